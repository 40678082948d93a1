"""``archive-service store``: the bucket, made and checked."""

from __future__ import annotations

import click

from archive_service import wiring
from archive_service.cli.options import read_settings


@click.group()
def store() -> None:
    """Where objects lie: a folder, or a bucket on S3."""


@store.command("setup")
def set_up_store() -> None:
    """Make the bucket with versions and Object Lock; one that is there is checked and left as it is."""
    s3 = wiring.connect_s3(read_settings())
    is_new = s3.set_up_bucket()
    click.echo(
        f"{'Made' if is_new else 'Found'} the bucket {s3.bucket} at {s3.endpoint}: versions and Object Lock are on."
    )


@store.command("check")
def check_store() -> None:
    """Check that the store keeps what it is given; exit 2 with what is wrong."""
    settings = read_settings()
    if settings.s3_endpoint is None:
        click.echo(f"Objects lie in the folder {settings.data_dir / 'store'}: no ARCHIVE_S3_ENDPOINT is set.")
        return
    s3 = wiring.connect_s3(settings)
    s3.require_ready()
    click.echo(f"The bucket {s3.bucket} at {s3.endpoint} is fit: versions and Object Lock are on.")
