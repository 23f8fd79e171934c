# An image that holds one static binary, which needs nothing beside it: no libc, no shell, no certificates of the system.
#
#   docker build -t multipod/multipod:0.1.0 .                        # compiles it
#   make static && docker build --target at-hand -t … .              # puts in what lies at dist/multipod

FROM scratch AS image
LABEL org.opencontainers.image.title="multipod" \
      org.opencontainers.image.description="Injects named, typed multi-container patterns into Kubernetes pods" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/
USER 65532:65532
ENTRYPOINT ["/multipod"]

# Around a binary at hand: nothing is pulled, so this builds without a network.
FROM image AS at-hand
COPY --chmod=0555 dist/multipod /multipod

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
ENV RUSTFLAGS="-C target-feature=+crt-static"
# Naming the target keeps these flags from the build scripts, which must be able to load libraries.
RUN target=$(rustc -vV | sed -n 's/^host: //p') && \
    cargo build --release --locked --bin multipod --target "$target" && \
    cp "target/$target/release/multipod" /multipod

FROM image
COPY --from=build --chmod=0555 /multipod /multipod
