# The image holds the program, the five libraries that it is linked with, the certificates that it
# trusts and one user: no shell, no package manager, nothing to patch but these. No secret is
# needed to build it, and none is in it.
#
#   docker build --tag ringward .
#
# How to run it: docs/operations.md. tests/packaging/run executes each RUN line below.

FROM rust:1.95.0-slim-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
ENV CARGO_TARGET_DIR=/target
COPY . .
RUN --mount=type=cache,target=/target --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --release --locked --bin ringward \
    && install -D -m 0755 "$CARGO_TARGET_DIR/release/ringward" image/usr/bin/ringward
# What `ldd` names, the loader included. Names are looked up by files and DNS; time zones are built in.
RUN ldd image/usr/bin/ringward | grep -oE '/[^ ]+' | xargs -I{} cp --parents --dereference {} image \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt image/etc/ssl/certs/ca-certificates.crt \
    && echo 'hosts: files dns' > image/etc/nsswitch.conf \
    && echo 'ringward:x:10001:10001:ringward:/var/lib/ringward:/usr/bin/ringward' > image/etc/passwd \
    && echo 'ringward:x:10001:' > image/etc/group \
    && install -d -m 0755 image/etc/ringward/plans \
    && install -d -m 1777 image/tmp \
    && install -d -m 0755 state \
    && install -d -m 0700 state/ringward

FROM scratch
LABEL org.opencontainers.image.title="ringward" \
      org.opencontainers.image.description="Moves a fleet of Cloudflare One Clients from one version to the next, ring by ring" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/image/ /
# The directory of the database belongs to the user; everything else to root.
COPY --from=build --chown=10001:10001 /src/state/ /var/lib/
USER 10001:10001
WORKDIR /var/lib/ringward
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    RINGWARD_PLANS=/etc/ringward/plans \
    RINGWARD_DB=/var/lib/ringward/ringward.db \
    RINGWARD_LISTEN=0.0.0.0:8787 \
    RINGWARD_LOG_FORMAT=json
VOLUME ["/var/lib/ringward"]
EXPOSE 8787
# The daemon waits up to 20 s for the answer of a write under way: stop it with 60 s of patience.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=20s --start-period=90s --retries=3 \
    CMD ["/usr/bin/ringward", "healthcheck"]
ENTRYPOINT ["/usr/bin/ringward"]
CMD ["run"]
