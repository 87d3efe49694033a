"""`match contradictions`: what people said of pairs and what stands against it."""

from __future__ import annotations

import typer

from syncd.cli.output import AsJson, Context, emit, table


def contradictions(context: typer.Context, as_json: AsJson = False) -> int:
    """List what people said that cannot all be true, or that strong evidence speaks against. Exit code 3 if any.

    The newest word on a pair holds, and no score overrules it. To settle one, say `syncd same`, `syncd different` or
    `syncd unsure` again.
    """
    from syncd.app import opened
    from syncd.jobs.contradictions import contradictions as found_in

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = found_in(tx)
    if as_json:
        emit([one.as_json() for one in found])
    else:
        rows = [(str(o.left), str(o.right), o.judgement.value, o.person, o.at, o.against) for o in found]
        table(("left", "right", "said", "by", "at", "against"), rows, "Nothing that people said is contradicted.")
    return 3 if found else 0
