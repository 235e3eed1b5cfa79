"""``init``: the file of settings, with every setting explained, and the database that it names."""

import json
import os
from pathlib import Path

import click

from commentsvc import files, schema, settings, settings_file
from commentsvc.cli import application
from commentsvc.settings import Settings, WrongSetting


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=settings_file.NAME)
@click.option("--base-url", help="The address readers will reach the service at.")
@click.option("--data-dir", default="data", show_default=True, help="Where data lies, counted from the file.")
@click.option("--database-url", help="A PostgreSQL database, or another SQLite file.")
@click.option("--mail-url", help="The mail server.")
def init(file: Path, **given: str | None) -> None:
    """Write FILE with all settings and what they mean, and make the database."""
    if file.exists():
        raise click.ClickException(f"{file} is there already; change it with an editor.")
    values = {name: value for name, value in given.items() if value}
    _must_be_right(values, file.parent)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write(file, settings_file.text(values, {name: _described(name) for name in Settings.model_fields}).encode())
    application.make({**os.environ, settings_file.VARIABLE: str(file)}, makes_database=True)
    click.echo(f"Settings are in {file.resolve()}, readable by you only.")
    click.echo(f"The database is {schema.display_url(settings.current().database)}.")
    if file.resolve() not in (Path(settings_file.NAME).resolve(), settings_file.SYSTEM_WIDE):
        click.echo(f"Commands find it when {settings_file.VARIABLE}={file.resolve()} is set.")


def _must_be_right(values: dict[str, str], folder: Path) -> None:
    """Raise ``WrongSetting`` before anything is written."""
    try:
        settings.read(
            {
                settings_file.VARIABLE: "",
                **{f"{settings.PREFIX}{name.upper()}": value for name, value in values.items()},
                f"{settings.PREFIX}DATA_DIR": str(folder / values["data_dir"]),
            },
            creates_data_dir=False,
        )
    except WrongSetting as wrong:
        raise click.ClickException(str(wrong)) from None


def _described(name: str) -> tuple[str, str]:
    field = Settings.model_fields[name]
    default = field.get_default(call_default_factory=True)
    return field.description or "", json.dumps(
        default, default=lambda one: str(one) if isinstance(one, Path) else [*one]
    )
