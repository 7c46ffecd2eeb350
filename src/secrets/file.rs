//! The one way to a file that a setting names and that holds a secret, or whom to trust.
//!
//! **Invariant:** whatever lies at the path, reading it ends: after so many bytes, after so long, or at once where it is
//! neither a file nor a pipe.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// For so long a pipe such as `<(pass show token)` may take, with a person at a passphrase.
const PIPE_WITHIN: Duration = Duration::from_secs(60);

/// All bytes of a file or a pipe, of which there are at most so many.
///
/// # Errors
/// When it cannot be read, is something else, is larger, or does not end in a minute.
pub fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    read_within(path, most, PIPE_WITHIN)
}

fn read_within(path: &Path, most: u64, within: Duration) -> Result<Vec<u8>> {
    // Opening a device may do something, and opening a pipe waits for whoever writes to it.
    let is_pipe = kind(&std::fs::metadata(path)?)?;
    if !is_pipe {
        return whole(path, most);
    }
    let (tell, told) = channel();
    let path = PathBuf::from(path);
    std::thread::Builder::new().name("pipe".to_owned()).spawn(move || {
        // Nobody waits any more where it comes too late.
        let _ = tell.send(whole(&path, most));
    })?;
    told.recv_timeout(within).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => {
            let detail = format!("it is a pipe, and has not ended after {} s", within.as_secs());
            Err(Error::new(ErrorKind::TimedOut, detail))
        }
        RecvTimeoutError::Disconnected => Err(Error::other("reading it broke off")),
    })
}

/// Whether it is a pipe, else a file.
fn kind(data: &Metadata) -> Result<bool> {
    if data.is_file() || data.file_type().is_fifo() {
        return Ok(data.file_type().is_fifo());
    }
    let detail = "it is neither a file nor a pipe";
    Err(Error::new(ErrorKind::InvalidInput, detail))
}

fn whole(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    // It may have become another one.
    kind(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let detail = format!("it has more than {most} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, detail));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn reading_ends_whatever_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "12345678").unwrap();
        fs::write(at("large"), "123456789").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let rows = [
            ("a file", at("file"), Ok("12345678")),
            ("a link to it", at("link"), Ok("12345678")),
            ("a byte too large", at("large"), Err("more than 8 bytes")),
            ("not there", at("none"), Err("No such file")),
            ("a directory", at(""), Err("neither a file nor a pipe")),
            ("a device without an end", "/dev/zero".into(), Err("neither a file nor a pipe")),
            ("a device without a beginning", "/dev/null".into(), Err("neither a file nor a pipe")),
        ];
        for (row, path, expected) in rows {
            match (read_file(&path, 8), expected) {
                (Ok(bytes), Ok(text)) => assert_eq!(bytes, text.as_bytes(), "{row}"),
                (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{row}: {error}"),
                (found, _) => panic!("{row}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_no_longer_than_it_may_take() {
        let directory = tempfile::tempdir().unwrap();
        let (written, endless, silent) =
            (directory.path().join("a"), directory.path().join("b"), directory.path().join("c"));
        [&written, &endless, &silent].into_iter().for_each(|path| pipe(path));
        let to = written.clone();
        let writer = std::thread::spawn(move || fs::write(to, "12345678"));
        assert_eq!(read_file(&written, 8).unwrap(), b"12345678");
        writer.join().unwrap().unwrap();
        let to = endless.clone();
        // It ends with an error as soon as nobody reads.
        let writer = std::thread::spawn(move || {
            let mut pipe = fs::OpenOptions::new().write(true).open(to).unwrap();
            std::io::copy(&mut std::io::repeat(b'x'), &mut pipe).unwrap_err()
        });
        let error = read_file(&endless, 8).unwrap_err();
        assert!(error.to_string().contains("more than 8 bytes"), "{error}");
        writer.join().unwrap();
        let error = read_within(&silent, 8, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "nobody writes: {error}");
    }
}
