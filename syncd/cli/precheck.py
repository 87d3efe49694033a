"""`precheck`: what a partner is answered who asks beforehand."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, say


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(precheck)


def precheck(
    context: typer.Context,
    partner: Annotated[str, typer.Option("--partner", "-p", help="Key of the partner who asks.", show_default=False)],
    company: Annotated[str, typer.Option("--company", help="Name of the company.", show_default=False)],
    website: Annotated[str, typer.Option("--website", help="Its website or domain.")] = "",
    city: Annotated[str, typer.Option("--city", help="Where it is.")] = "",
    postcode: Annotated[str, typer.Option("--postcode", help="Its postcode.")] = "",
    country: Annotated[str, typer.Option("--country", help="Country of the deal, such as GB.")] = "",
    product: Annotated[
        list[str] | None, typer.Option("--product", help="Product code; may be given more than once.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Answer a partner who asks whether a deal could be registered: yes, no or pending.

    The words are the same for the same answer, whatever the cause, and it comes after the same time (precheck in the
    policy says how often a partner may ask). Every question is logged; `syncd ledger export` has them.
    """
    from syncd.app import opened
    from syncd.jobs.precheck import ASKED, Question, ask
    from syncd.model import Account

    config: Context = context.obj
    about = Account(
        ref=ASKED, name=company, website=website or None, city=city or None, postcode=postcode or None,
        country=country or None,
    )  # fmt: skip
    with opened(config.config) as work:
        found = ask(work, Question(partner, about, frozenset(product or ()), country or None))
    if as_json:
        emit({"answer": found.answer.value, "text": found.text, "at": found.at, "left": found.left})
    else:
        say(f"{found.answer.value}: {found.text}")
    return 0
