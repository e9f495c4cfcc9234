# The image, for those with an engine: docker build --build-arg VERSION=0.1.0 -t otelcol-sessionlog . `make release` writes the same content without one.
FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN make build VERSION=v${VERSION} && mkdir -m 700 /state && chown 65532:65532 /state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/bin/otelcol-sessionlog /src/bin/sessionlog /usr/bin/
COPY --from=build --chown=65532:65532 /state /var/lib/otelcol-sessionlog
COPY config/container.yaml /etc/otelcol-sessionlog/config.yaml
COPY config/container-explorer.yaml /etc/otelcol-sessionlog/explorer.yaml
USER 65532:65532
WORKDIR /var/lib/otelcol-sessionlog
ENV STATE_DIRECTORY=/var/lib/otelcol-sessionlog
VOLUME /var/lib/otelcol-sessionlog
EXPOSE 4317 4318 8127 13133
ENTRYPOINT ["/usr/bin/otelcol-sessionlog"]
CMD ["--config", "/etc/otelcol-sessionlog/config.yaml"]
