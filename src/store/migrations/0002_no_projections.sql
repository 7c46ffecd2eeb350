-- Schema 2. Once released, this file never changes: its SHA-256 is kept in `migrations`.

-- What rollouts and rings are like follows from the log; nobody read these rows.
DROP TABLE rings;
DROP TABLE rollouts;
