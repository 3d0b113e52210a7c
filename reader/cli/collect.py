"""`logicienne collect`: the server that machines sync to."""

from __future__ import annotations

from pathlib import Path

import click

from reader.cli.collector import collector_option


@click.command(
    "collect",
    epilog="Example: logicienne collect   ·   logicienne collect --store postgresql://logicienne@localhost/logicienne "
    "--allow-host collector.example.org",
)
@collector_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8470, show_default=True)
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME",
              help="Answer only requests for this name (Host header); may be given again. Default: any.")  # fmt: skip
@click.option("--organisation", default="", help="Its name, noted when the collector is new.")
@click.option("--certificate", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="TLS, without a proxy in front: the certificate chain (PEM).")  # fmt: skip
@click.option("--certificate-key", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="Its private key (PEM).")  # fmt: skip
@click.option("--metrics-token", envvar="LOGICIENNE_METRICS_TOKEN", default="",
              help="Asked for at /metrics. Default: $LOGICIENNE_METRICS_TOKEN, else only this computer may look.")  # fmt: skip
def command(
    store: str | None, host: str, port: int, hosts: tuple[str, ...], organisation: str, certificate: Path | None,
    certificate_key: Path | None, metrics_token: str,
) -> None:  # fmt: skip
    """Run the collector: take what machines send, keep it once, confirm it. Ctrl-C or SIGTERM ends it.

    Machines speak to it over https only; see docs/collector.md for a proxy in front, or give a certificate.
    """
    import uvicorn

    from reader.collector.app import make_app
    from reader.collector.database import open_database
    from reader.collector.keys import keys_path, with_keys

    if bool(certificate) != bool(certificate_key):
        raise click.UsageError("--certificate and --certificate-key go together")
    with open_database(store) as database:
        collector = with_keys(database, keys_path(store), organisation)
        click.echo(f"collector {collector.keys.collector}, keeping in {database.name}", err=True)
        uvicorn.run(
            make_app(collector, hosts, metrics_token),
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=certificate_key,
            limit_concurrency=200,
            server_header=False,
        )
