from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from archive_service.cli.__main__ import main
from servers.s3 import S3Access
from tests.s3 import ON_S3, new_bucket, plain_client


@pytest.fixture
def bucket(s3_server: S3Access, monkeypatch: pytest.MonkeyPatch) -> str:
    name = new_bucket()
    monkeypatch.setenv("ARCHIVE_S3_ENDPOINT", s3_server.endpoint)
    monkeypatch.setenv("ARCHIVE_S3_ACCESS_KEY", s3_server.access_key)
    monkeypatch.setenv("ARCHIVE_S3_SECRET_KEY", s3_server.secret_key)
    monkeypatch.setenv("ARCHIVE_S3_BUCKET", name)
    return name


@ON_S3
def test_a_bucket_is_unfit_until_it_is_set_up(bucket: str) -> None:
    run = CliRunner()
    before = run.invoke(main, ["store", "check"])
    assert (
        before.exit_code == 2 and "[bucket_unfit]" in before.stderr and "archive-service store setup" in before.stderr
    )
    for word in ("Made", "Found"):
        made = run.invoke(main, ["store", "setup"])
        assert (made.exit_code, made.stdout.split()[0]) == (0, word)
    after = run.invoke(main, ["store", "check"])
    assert after.exit_code == 0 and bucket in after.stdout


@ON_S3
def test_a_bucket_without_object_lock_stays_as_it_is(bucket: str, s3_server: S3Access) -> None:
    plain_client(s3_server).make_bucket(bucket)
    for command in ("setup", "check"):
        result = CliRunner().invoke(main, ["store", command])
        assert result.exit_code == 2 and "Object Lock" in result.stderr
    assert plain_client(s3_server).get_bucket_versioning(bucket).status != "Enabled"


def test_without_s3_there_is_a_folder_to_check_and_nothing_to_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ARCHIVE_S3_ENDPOINT", raising=False)
    checked = CliRunner().invoke(main, ["store", "check"])
    assert checked.exit_code == 0 and str(tmp_path / "store") in checked.stdout
    made = CliRunner().invoke(main, ["store", "setup"])
    assert made.exit_code == 2 and "ARCHIVE_S3_ENDPOINT" in made.stderr
