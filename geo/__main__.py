"""The command line, ``python -m geo``: thin over the calls that the pages make.

Exit status: 0 fine, 1 problems found, 2 wrong usage. Results go to standard output, everything
else to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from geo import (
    checks,
    dataset,
    edits,
    exports,
    files,
    gazetteer,
    intake,
    overlays,
    selection,
    texts,
)
from geo.dataset import Dataset, DatasetError
from geo.files import FileError, Picture
from geo.selection import Selection

FINE, PROBLEMS, WRONG_USAGE = 0, 1, 2

# A pair such as -73.9,40.7, which argparse would take for an option.
_NEGATIVE_PAIR = re.compile(r"-[\d.]+(,\s*[-+]?[\d.]+)+")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; wrong usage raises SystemExit(2)."""
    argv = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args([f" {a}" if _NEGATIVE_PAIR.fullmatch(a) else a for a in argv])
    try:
        return args.run(args)
    except DatasetError as error:
        for problem in error.problems:
            _say(texts.problem(problem), sys.stderr)
        return PROBLEMS
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        args.parser.error(_plain(f"{where}{error.strerror or error}"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m geo",
        description="Validate a dataset of contested claims, check it, and make files of it.",
        epilog="Exit status: 0 fine, 1 problems found, 2 wrong usage.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    package = argparse.ArgumentParser(add_help=False)
    package.add_argument(
        "dataset",
        metavar="DATASET",
        nargs="?",
        default=dataset.BUILT_IN,
        type=_existing,
        help="folder or .zip of a data package, or a .csv, .xlsx, .geojson, .gpkg or .kml whose "
        "columns are told by their names; the built-in dataset if left out",
    )
    package.add_argument(
        "--places",
        metavar="FILE.json",
        type=_choices,
        default={},
        help="what place names of such a file mean: a JSON object from each name to its GeoNames "
        "number, to [lon, lat] or [lon, lat, radius in metres], or to null for no place",
    )
    package.add_argument(
        "--leave-out",
        action="store_true",
        help="use what is sound and leave out the rows that have a problem",
    )
    # What the commands on a dataset take besides a file; a file alone is taken into a database.
    anywhere = argparse.ArgumentParser(add_help=False, parents=[package])
    anywhere.add_argument(
        "--database",
        metavar="NAME",
        nargs="?",
        const="",
        help="instead of DATASET: the dataset of that name in the database that "
        "CLAIMS_DATABASE_URL names; without NAME the only one there",
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print the result as JSON")

    def command(name: str, run, *parents, **words) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=parents, allow_abbrev=False, **words)
        made.set_defaults(run=run, parser=made)
        return made

    command(
        "validate",
        _validate,
        anywhere,
        as_json,
        help="list every problem of a dataset",
        description="List every problem of a dataset: table, row, field, what was found and what "
        "is expected. Exit status 1 if there is any.",
    )
    command(
        "check",
        _check,
        anywhere,
        as_json,
        help="hold stated distances and directions against measured ones",
        description="Hold the distances and directions that claims state against measured ones. "
        "Exit status 1 if a verdict is inconsistent.",
    )
    made = {
        "export": (
            "write what a selection shows to a file of data",
            "Write what a selection shows to a file of data.",
        ),
        "snapshot": (
            "draw a map of what a selection shows",
            "Draw a map of what a selection shows, for screen or print.",
        ),
        "report": (
            "write a briefing paper on what a selection shows",
            "Write a briefing paper on what a selection shows: map, claims, evidence, checks.",
        ),
        "handout": (
            "lay out the steps of the dataset's briefing for print",
            "Lay out the steps of the dataset's briefing for print, one page each. Exit status 1 "
            "if the dataset has no briefing.",
        ),
    }
    for word, (short, long) in made.items():
        parser_of = command(word, _make, anywhere, _selection_flags(), help=short, description=long)
        parser_of.set_defaults(command=word)
        parser_of.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            required=True,
            type=_output(word),
            help="file to write; its suffix names the format: " + ", ".join(files.by_suffix(word)),
        )
        if word == "snapshot":
            _add_picture_flags(parser_of)
        _add_overlay_flags(parser_of)
    route = command(
        "route",
        _route,
        as_json,
        help="measure the shortest path over water between two points",
        description="Measure the shortest path over water between two points. It is computed, not "
        "a track that anybody reported. Exit status 1 if there is none.",
    )
    for end in ("start", "end"):
        route.add_argument(end, metavar="LON,LAT", type=_lon_lat, help=f"{end}, WGS 84 degrees")
    route.add_argument(
        "--offshore-km",
        metavar="KM",
        type=float,
        default=10.0,
        help="distance to keep from land where the water allows, 0.5 to 50 (default: 10)",
    )
    _add_database(command, package)
    return parser


def _add_database(command, package: argparse.ArgumentParser) -> None:
    """The commands on a database, whose address only the environment tells: it holds a password."""
    where = "The database is the one that CLAIMS_DATABASE_URL names."
    named = command(
        "database",
        None,
        help="keep datasets in PostgreSQL with PostGIS",
        description=f"Keep datasets in PostgreSQL with PostGIS. {where}",
    ).add_subparsers(title="commands", metavar="COMMAND", required=True)

    def part(name: str, run, told: str, *parents) -> argparse.ArgumentParser:
        made = named.add_parser(
            name, parents=parents, allow_abbrev=False, help=told, description=f"{told}. {where}"
        )
        made.set_defaults(run=run, parser=made)
        return made

    part("create", _database_create, "make the tables, where they are not there yet")
    taken_in = part("import", _database_import, "take a dataset into the database", package)
    taken_in.add_argument(
        "--replace",
        action="store_true",
        help="in the place of a dataset of the same name, each difference recorded",
    )
    written = part("export", _database_export, "write a dataset of the database to a data package")
    written.add_argument("name", metavar="NAME", nargs="?", default="", help="if there are several")
    written.add_argument("-o", "--output", metavar="FILE", required=True, type=_zip_file)


def _add_picture_flags(parser: argparse.ArgumentParser) -> None:
    default = Picture()
    parser.add_argument(
        "--view",
        metavar="NAME|W,S,E,N",
        help="a view of the dataset, or west, south, east, north in degrees (default: theatre)",
    )
    parser.add_argument(
        "--dpi",
        metavar="N",
        type=float,
        default=default.dpi,
        help="dots an inch of a PNG (default: %(default)s)",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size",
        metavar="NAME",
        type=_named_size,
        help=f"the page: {', '.join(files.size_words('en'))} (default: a4-landscape)",
    )
    size.add_argument(
        "--size-mm",
        metavar="W,H",
        type=_numbers(2, "W,H such as 297,210"),
        default=default.size_mm,
        help="width and height of the page",
    )
    parser.add_argument(
        "--colours",
        choices=tuple(files.colour_words("en")),
        default=default.theme,
        help="default: %(default)s; grey is for print in black",
    )


def _add_overlay_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "context",
        "Layers of your own under the claims, the lowest first. Where there is a map, that is: "
        "files of data hold claims alone.",
    )
    group.add_argument(
        "--overlay",
        metavar="FILE[:LAYER][:FIELD]",
        action="append",
        default=[],
        type=_overlay,
        help="a GeoJSON, GeoPackage, KML or zipped shapefile; coloured by a FIELD if one is named, "
        "and of several layers the first unless LAYER is; may be given again",
    )
    group.add_argument(
        "--overlay-source",
        metavar="TEXT",
        action=_OfOverlay,
        help="whose data the --overlay before it is",
    )
    group.add_argument(
        "--overlay-opacity",
        metavar="N",
        action=_OfOverlay,
        type=_share,
        help=f"how much of what lies below the --overlay before it covers, 0.1 to 1 "
        f"(default: {overlays.OPACITY})",
    )


class _OfOverlay(argparse.Action):
    """What is said of the overlay that was named last."""

    def __call__(self, parser, namespace, value, option_string=None) -> None:
        if not namespace.overlay:
            parser.error(f"argument {option_string}: it belongs after an --overlay")
        namespace.overlay[-1][self.dest] = value


def _selection_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    group = flags.add_argument_group(
        "selection", "What to keep of the dataset: all of it, unless these say otherwise."
    )
    for key, metavar in {
        "source": "ID",
        "confidence": "LEVEL",
        "status": "STATUS",
        "theme": "THEME",
        "layer": "LAYER",
    }.items():
        group.add_argument(f"--{key}", metavar=metavar, nargs="+", action="extend")
    group.add_argument("--as-of", metavar="DATE", help="only what was said up to that day")
    group.add_argument("--lang", metavar="LANG", help=" or ".join(texts.languages()))
    group.add_argument(
        "--url",
        metavar="QUERY",
        help="instead of these: the query of a dashboard link, as '?source=nis&layer=denied'",
    )
    return flags


# Arguments


def _existing(text: str) -> Path:
    path = Path(text)
    try:
        path.stat()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{_plain(text)}: {error.strerror}") from None
    return path


def _choices(text: str) -> dict:
    """The choices of places in a JSON file."""
    try:
        found = json.loads(_existing(text).read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{_plain(text)}: {_plain(str(error))}") from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{_plain(text)}: not a JSON object of names")
    return found


def _overlay(text: str) -> dict:
    """The file of an overlay and what is said of it after a colon; a file may have one itself."""
    path, said = text, ""
    while not Path(path).exists() and ":" in path:
        path, _colon, more = path.rpartition(":")
        said = f"{more}:{said}" if said else more
    if not Path(path).exists():
        path, said = text, ""
    return {"path": _existing(path), "said": said}


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{_plain(text)!r} is no number from 0.1 to 1")
    return value


def _output(command: str):
    """The reader of a file name that one of the command's formats has a suffix for."""

    def read(text: str) -> Path:
        path, known = Path(text), files.by_suffix(command)
        if path.suffix.lower() not in known:
            raise argparse.ArgumentTypeError(
                f"no format has the suffix {path.suffix!r} of {_plain(text)}; "
                f"supported: {', '.join(known)}"
            )
        return path

    return read


def _zip_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".zip":
        raise argparse.ArgumentTypeError(f"a data package is a .zip, not {_plain(text)}")
    return path


def _named_size(text: str) -> tuple[float, float]:
    sizes = files.sizes()
    if text not in sizes:
        raise argparse.ArgumentTypeError(
            f"no page is named {_plain(text)!r}; allowed: {', '.join(sizes)}"
        )
    return sizes[text]


def _numbers(count: int, like: str):
    """The reader of so many numbers with commas between them."""

    def read(text: str) -> tuple[float, ...]:
        try:
            found = tuple(map(float, text.split(",")))
        except ValueError:
            found = ()
        if len(found) != count:
            raise argparse.ArgumentTypeError(f"{_plain(text)!r} is not {like}")
        return found

    return read


def _lon_lat(text: str) -> tuple[float, float]:
    try:
        lon, lat = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{_plain(text)!r} is not a LON,LAT such as -73.9,40.7"
        ) from None
    return lon, lat


def _chosen(args: argparse.Namespace, whole: Dataset) -> Selection:
    """The selection that the flags, or the link, ask for; values that it lacks end the run."""
    flags = {}
    for key in (*selection.FACETS, "layer", "as_of", "lang"):
        value = getattr(args, key)
        if value is not None:
            flags[key] = value if isinstance(value, list) else [value]
    if args.url is not None:
        if flags:
            args.parser.error("--url stands for the whole selection: give it or the other flags")
        before, mark, after = args.url.partition("?")
        query = (after if mark else before).partition("#")[0]
        chosen, ignored = selection.from_query(query, whole)
        for key, value in ignored:
            _say(f"warning: ignored {key}={value} of the link; {_allowed(key, whole)}", sys.stderr)
        return chosen
    chosen, ignored = selection.from_query(flags, whole)
    ignored += tuple((key, "") for key, values in flags.items() if "" in values)
    if ignored:
        key, value = ignored[0]
        flag = f"--{key.replace('_', '-')}"
        args.parser.error(f"argument {flag}: {value!r} is not known; {_allowed(key, whole)}")
    return chosen


def _allowed(key: str, whole: Dataset) -> str:
    if key == "as_of":
        return "a day is written as in 2024-10-22"
    if key == "claim":
        return "the dataset has no such claim"
    others = {"lang": texts.languages(), "view": [view.name for view in whole.views]}
    return f"allowed: {', '.join((selection.options(whole) | others)[key])}"


# Commands


def _built(args: argparse.Namespace) -> intake.Built:
    """The dataset of a file; how a table was understood is told on standard error."""
    if args.dataset.is_dir():
        edits.recover(args.dataset)  # what a save that died had written counts
    built = intake.build_file(args.dataset, args.places, args.leave_out)
    if built.matching is not None:
        pairs = (f"{field} = {column!r}" for field, column in built.matching.columns.items())
        _say(f"columns read as: {', '.join(pairs) or 'none'}", sys.stderr)
        for name, choice in built.chosen.items():
            town = gazetteer.town(choice) if isinstance(choice, int) else None
            meant = town.words("en") if town else choice
            _say(f"place {name!r}: {meant}", sys.stderr)
    for remark in built.remarks:
        _say(texts.remark(remark), sys.stderr)
    if built.left_out:
        for problem in built.problems:
            _say(f"left out: {texts.problem(problem)}", sys.stderr)
    return built


def _loaded(args: argparse.Namespace) -> Dataset:
    if args.database is not None:
        from geo import database

        with _named_in_database(args) as engine:
            return database.load(engine, args.database)
    built = _built(args)
    if built.dataset is None:
        raise DatasetError(args.dataset, list(built.problems))
    return built.dataset


def _validate(args: argparse.Namespace) -> int:
    try:
        if args.database is not None:
            name, problems = _validated_in_database(args).name, ()
        else:
            built = _built(args)
            name = built.dataset.name if built.dataset else str(args.dataset)
            problems = () if built.left_out else built.problems
    except DatasetError as error:
        name, problems = str(args.dataset), error.problems
    if args.json:
        _say_json(
            [
                {
                    "table": problem.table,
                    "row": problem.row,
                    "field": problem.field,
                    "found": problem.found,
                    "expected": texts.expected(problem),
                }
                for problem in problems
            ]
        )
    else:
        for problem in problems:
            _say(texts.problem(problem))
        if not problems:
            _say(f"{name}: no problems")
    return PROBLEMS if problems else FINE


def _validated_in_database(args: argparse.Namespace) -> Dataset:
    """The dataset, checked as a file is: so what was changed by hand in SQL is seen as well."""
    from geo import database

    with _named_in_database(args) as engine:
        return edits.dataset_of(database.read(engine, args.database))


def _check(args: argparse.Namespace) -> int:
    found = checks.run(_loaded(args))
    if args.json:
        _say_json([asdict(check) for check in found])
    else:
        for check in found:
            _say(f"{check.claim}, {check.kind}: {check.verdict}. {check.explanation}")
        if not found:
            _say("No claim states a distance or a direction.")
    return PROBLEMS if any(c.verdict == checks.INCONSISTENT for c in found) else FINE


def _make(args: argparse.Namespace) -> int:
    """Make and write one file of a selection: export, snapshot, report or handout."""
    form = files.by_suffix(args.command)[args.output.suffix.lower()]
    if args.overlay and not form.has_map:
        args.parser.error(
            f"argument --overlay: {form.suffix} holds claims alone; context goes with "
            f"{', '.join(sorted({each.suffix for each in files.FORMATS.values() if each.has_map}))}"
        )
    _tell("reading the dataset …")
    whole = _loaded(args)
    chosen, picture = _chosen(args, whole), Picture()
    context = _context(args.overlay, chosen.lang)
    try:
        if args.command == "snapshot":
            chosen, picture = _framed(args, whole, chosen)
        _tell(f"making {args.output.name} …")
        content = files.make(form, whole, chosen, picture, context)
    except FileError as error:
        if error.of_options:
            args.parser.error(str(error))
        _say(str(error), sys.stderr)
        return PROBLEMS
    _write(args, content)
    _tell(selection.sentence(whole, chosen))
    return FINE


def _write(args: argparse.Namespace, content: bytes) -> None:
    """Write the file that a command was asked for, and say its name."""
    try:
        exports.write(args.output, content)
    except OSError as error:
        args.parser.error(f"cannot write {_plain(str(args.output))}: {error.strerror}")
    _say(str(args.output))


def _context(wanted: list[dict], lang: str) -> tuple[overlays.Styled, ...]:
    """The layers of context; how each was understood is told, and all that is wrong with any."""
    found, problems = [], []
    for each in wanted:
        try:
            layer = overlays.load(each["path"], each["said"], each.get("overlay_source") or "")
        except DatasetError as error:
            problems += error.problems
            continue
        found.append(replace(layer, opacity=each.get("overlay_opacity") or layer.opacity))
        overlay = layer.overlay
        if len(overlay.layers) > 1:
            others = ", ".join(name for name in overlay.layers if name != overlay.layer)
            _say(f"{overlay.name}: layer {overlay.layer!r}; it also has {others}", sys.stderr)
        for told in overlays.notes(overlay, lang):
            _say(f"{overlay.name}: {told}", sys.stderr)
        if not layer.attribution:
            _say(f"{overlay.name}: no --overlay-source says whose data it is", sys.stderr)
    if problems:
        raise DatasetError(wanted[0]["path"], problems)
    return tuple(found)


def _framed(
    args: argparse.Namespace, whole: Dataset, chosen: Selection
) -> tuple[Selection, Picture]:
    """The selection with its view, and the picture, that the flags of a snapshot ask for."""
    size_mm = args.size_mm if args.size is None else args.size
    picture = Picture(size_mm=size_mm, theme=args.colours, dpi=args.dpi)
    if args.view is None:
        return chosen, picture
    if "," in args.view:
        return chosen, replace(picture, bounds=files.bounds(args.view))
    if args.view not in [view.name for view in whole.views]:
        args.parser.error(
            f"argument --view: {args.view!r} is not known; {_allowed('view', whole)}, or W,S,E,N"
        )
    return replace(chosen, view=args.view), picture


def _route(args: argparse.Namespace) -> int:
    from geo import searoute

    try:
        found = searoute.route(args.start, args.end, offshore_km=args.offshore_km)
    except (searoute.OutOfRangeError, searoute.EqualPointsError) as error:
        args.parser.error(str(error))
    except searoute.SeaRouteError as error:
        _say(str(error), sys.stderr)
        return PROBLEMS
    if args.json:
        _say_json(
            {
                "length_km": round(found.length_km, 3),
                "coordinates": [[round(lon, 6), round(lat, 6)] for lon, lat in found.coordinates],
                "method": found.method,
                "warnings": [str(warning) for warning in found.warnings],
            }
        )
        return FINE
    by_way_of = f", by way of {', '.join(found.passages)}" if found.passages else ""
    _say(f"{found.length_km:.1f} km over water{by_way_of} ({found.method})")
    for warning in found.warnings:
        _say(f"warning: {warning}", sys.stderr)
    return FINE


@contextmanager
def _opened(args: argparse.Namespace):
    """The database that the environment names; wrong usage where it names none."""
    from geo import database

    url = os.environ.get(database.URL_VARIABLE)
    if not url:
        args.parser.error(f"{database.URL_VARIABLE} names no database")
    engine = database.connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _named_in_database(args: argparse.Namespace):
    """``_opened`` for ``--database``; wrong usage where a flag for files is given as well."""
    for flag, given in (
        ("a DATASET", args.dataset is not dataset.BUILT_IN),
        ("--places", bool(args.places)),
        ("--leave-out", args.leave_out),
    ):
        if given:
            args.parser.error(f"argument --database: not allowed with {flag}")
    return _opened(args)


def _database_create(args: argparse.Namespace) -> int:
    from geo import database

    with _opened(args) as engine:
        database.create(engine)
    _say(f"the tables are there, in the schema {database.SCHEMA}")
    return FINE


def _database_import(args: argparse.Namespace) -> int:
    from getpass import getuser

    from geo import database

    with _opened(args) as engine:
        built = _built(args)
        if built.dataset is None:
            raise DatasetError(args.dataset, list(built.problems))
        if built.matching is None and not built.left_out:
            package = edits.read(args.dataset)  # with what a Dataset does not hold
        else:
            package = edits.package_of(built.dataset)
        digest = database.store(
            engine,
            package,
            built.dataset.name,
            who=getuser(),
            why=f"import of {args.dataset.name}",
            replace_it=args.replace,
        )
    _say(f"{built.dataset.name}: version {digest}")
    return FINE


def _database_export(args: argparse.Namespace) -> int:
    from geo import database

    with _opened(args) as engine:
        content = edits.packed(database.read(engine, args.name))
    _write(args, content)
    return FINE


# Words out


def _plain(text: str) -> str:
    """Text without the control characters by which data could steer a terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _tell(text: str) -> None:
    """Say how far a command is, to a person who watches."""
    if sys.stderr.isatty():
        _say(text, sys.stderr)


def _say(text: str, stream=None) -> None:
    print(_plain(text), file=stream)


def _say_json(result) -> None:
    # ASCII, so that it arrives whole whatever the encoding of the pipe.
    print(json.dumps(result, indent=2, allow_nan=False))


if __name__ == "__main__":
    # An argument or a name may hold what the terminal's encoding lacks.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        # The reader, such as head, has gone: nothing is left to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FINE
    sys.exit(status)
