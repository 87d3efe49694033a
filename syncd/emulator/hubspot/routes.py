"""Which path answers what, in every version of the API; one table, one store."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.emulator.http import Handler, Router
from syncd.emulator.hubspot import shapes
from syncd.emulator.hubspot.associations import Associations
from syncd.emulator.hubspot.batch import Batches
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.labels import Labels
from syncd.emulator.hubspot.meta import Meta
from syncd.emulator.hubspot.money import Money
from syncd.emulator.hubspot.oauth import OAuth
from syncd.emulator.hubspot.objects import Objects
from syncd.emulator.hubspot.properties import Properties
from syncd.emulator.hubspot.schemas import Schemas
from syncd.emulator.hubspot.scopes import Access, Family
from syncd.emulator.hubspot.search import Search
from syncd.emulator.hubspot.shapes import Shape
from syncd.emulator.hubspot.stages import Stages
from syncd.emulator.hubspot.subscriptions import Subscriptions

DATED = ("2026-09", "2026-03")


@dataclass(frozen=True, slots=True)
class Action:
    """A handler with the access it needs and the shape of the JSON body that it takes, if it takes one.

    `open` ones need no token. `search` and `links` are counted otherwise than other calls; `lockable` ones write
    records and wait for bulk operations.
    """

    handler: Handler
    access: Access = "read"
    body: Shape | None = None
    family: Family = "objects"
    open: bool = False
    search: bool = False
    links: bool = False
    lockable: bool = False


class Routes:
    """Fills a router for one portal."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.router: Router[Action] = Router()
        for version in (*DATED, "v3"):
            self._objects(version)
            self._definitions(version)
            self._surroundings(version)
            self._settings(version)
        for version in (*DATED, "v4", "v3"):
            self._links(version)
        for version in (*DATED, "v3", "v1"):
            self._oauth(version)
        for prefix in ("/app-webhooks/2026-09", "/app-webhooks/2026-03", "/webhooks/v3"):
            self._webhooks(prefix + "/{app}")

    def _mount(self, version: str, api: str, area: str = "crm") -> str:
        return f"/{area}/{version}/{api}" if version.startswith("v") else f"/{area}/{api}/{version}"

    def _objects(self, version: str) -> None:
        objects = Objects(self._context)
        batches, search, add = Batches(self._context, objects), Search(self._context), self.router.add
        base = self._mount(version, "objects") + "/{type}"
        add(base, GET=Action(objects.page), POST=_writes(objects.create, shapes.RECORD))
        add(f"{base}/search", POST=Action(search.run, "read", shapes.SEARCH, search=True))
        add(f"{base}/merge", POST=_writes(objects.merge, shapes.MERGE))
        add(f"{base}/gdpr-delete", POST=_writes(objects.erase, shapes.ERASE))
        add(f"{base}/batch/read", POST=Action(batches.read, "read", shapes.READ))
        for name in ("create", "update", "upsert", "archive"):
            add(f"{base}/batch/{name}", POST=_writes(getattr(batches, name), shapes.BATCH))
        one = base + "/{id}"
        add(one, GET=Action(objects.read), DELETE=_writes(objects.archive),
            PATCH=_writes(objects.update, shapes.RECORD))  # fmt: skip

    def _definitions(self, version: str) -> None:
        properties, add = Properties(self._context), self.router.add
        base = self._mount(version, "properties") + "/{type}"
        add(base, GET=_tells(properties.every), POST=_defines(properties.create, shapes.PROPERTY))
        add(f"{base}/groups", GET=_tells(properties.groups), POST=_defines(properties.create_group, shapes.PROPERTY))
        add(f"{base}/groups/{{group}}", GET=_tells(properties.group), DELETE=_defines(properties.delete_group),
            PATCH=_defines(properties.update_group, shapes.PROPERTY))  # fmt: skip
        add(f"{base}/batch/read", POST=Action(properties.batch_read, "read", shapes.PROPERTIES, "definitions"))
        add(f"{base}/batch/create", POST=_defines(properties.batch_create, shapes.PROPERTIES))
        add(f"{base}/batch/archive", POST=_defines(properties.batch_archive, shapes.PROPERTIES))
        add(f"{base}/{{name}}", GET=_tells(properties.read), PATCH=_defines(properties.update, shapes.PROPERTY),
            DELETE=_defines(properties.archive))  # fmt: skip
        self._pipelines(self._mount(version, "pipelines") + "/{type}")

    def _pipelines(self, base: str) -> None:
        stages, add = Stages(self._context), self.router.add
        add(base, GET=_tells(stages.every), POST=_defines(stages.create, shapes.PIPELINE))
        one = base + "/{pipeline}"
        change = _defines(stages.update, shapes.PIPELINE)
        add(one, GET=_tells(stages.read), PATCH=change, PUT=change, DELETE=_defines(stages.delete))
        add(f"{one}/audit", GET=_tells(stages.audit))
        add(f"{one}/stages", GET=_tells(stages.stages), POST=_defines(stages.create_stage, shapes.STAGE))
        stage = one + "/stages/{stage}"
        change = _defines(stages.update_stage, shapes.STAGE)
        add(stage, GET=_tells(stages.stage), PATCH=change, PUT=change, DELETE=_defines(stages.delete_stage))
        add(f"{stage}/audit", GET=_tells(stages.audit))

    def _surroundings(self, version: str) -> None:
        meta, schemas, add = Meta(self._context), Schemas(self._context), self.router.add
        owners, rules = self._mount(version, "owners"), self._mount(version, "property-validations") + "/{type}"
        add(owners, GET=Action(meta.owners, family="owners"))
        add(f"{owners}/{{id}}", GET=Action(meta.owner, family="owners"))
        add(rules, GET=_tells(meta.validations))
        add(f"{rules}/{{name}}", GET=_tells(meta.validation))
        add(f"{rules}/{{name}}/rule-type/{{rule}}", GET=_tells(meta.rule), PUT=_defines(meta.put_rule, shapes.RULE))
        limits = self._mount(version, "limits")
        for name in ("records", "custom-properties", "calculated-properties", "pipelines"):
            add(f"{limits}/{name}", GET=Action(getattr(meta, name.replace("-", "_")), family="any"))
        add(f"{limits}/custom-object-types", GET=Action(meta.custom_types, family="any"))
        add(f"/account-info/{version}/details", GET=Action(meta.account, family="any"))
        add(f"/account-info/{version}/api-usage/daily/private-apps", GET=Action(meta.usage, family="any"))
        bases = [f"/crm-object-schemas/{version}/schemas", *(["/crm/v3/schemas"] if version == "v3" else [])]
        for base in bases:
            add(base, GET=Action(schemas.every, family="schemas"),
                POST=Action(schemas.create, "write", shapes.SCHEMA, "schemas"))  # fmt: skip
            add(f"{base}/batch/read", POST=Action(schemas.batch_read, "read", shapes.SCHEMA, "schemas"))
            add(f"{base}/{{type}}", GET=Action(schemas.read, family="schemas"),
                PATCH=Action(schemas.update, "write", shapes.SCHEMA, "schemas"),
                DELETE=Action(schemas.delete, "write", family="schemas"))  # fmt: skip
            add(
                f"{base}/{{type}}/associations",
                POST=Action(schemas.create_association, "write", shapes.SCHEMA, "schemas"),
            )
            add(f"{base}/{{type}}/associations/{{association}}",
                DELETE=Action(schemas.delete_association, "write", family="schemas"))  # fmt: skip

    def _settings(self, version: str) -> None:
        money, add = Money(self._context), self.router.add
        base = self._mount(version, "currencies", "settings")
        add(f"{base}/codes", GET=Action(money.codes, family="currencies"))
        add(f"{base}/company-currency", GET=Action(money.company, family="currencies"))
        rates = f"{base}/exchange-rates"
        add(rates, GET=Action(money.rates, family="currencies"),
            POST=Action(money.create, "write", shapes.RATE, "currencies"))  # fmt: skip
        add(f"{rates}/current", GET=Action(money.current, family="currencies"))
        add(f"{rates}/batch/read", POST=Action(money.batch_read, "read", shapes.RATES, "currencies"))
        add(f"{rates}/batch/create", POST=Action(money.batch_create, "write", shapes.RATES, "currencies"))
        add(f"{rates}/batch/update", POST=Action(money.batch_update, "write", shapes.RATES, "currencies"))
        add(f"{rates}/{{rate}}", GET=Action(money.read, family="currencies"),
            PATCH=Action(money.update, "write", shapes.RATE, "currencies"))  # fmt: skip

    def _links(self, version: str) -> None:
        links, labels, add = Associations(self._context), Labels(self._context), self.router.add
        base = self._mount(version, "associations") + "/{type}/{to}"
        add(f"{base}/batch/read", POST=Action(links.read, "read", shapes.LINKS, "links", links=True))
        for name, handler in (("create", links.create), ("archive", links.archive)):
            add(f"{base}/batch/{name}", POST=Action(handler, "write", shapes.LINKS, "links", links=True))
        one = self._mount(version, "objects") + "/{type}/{id}/associations"
        if version != "2026-09":  # the list of one record is not part of 2026-09
            add(f"{one}/{{to}}", GET=Action(links.of_record, family="links"))
        if version == "v3":
            add(f"{one}/{{to}}/{{to_id}}/{{association}}", PUT=_joins(links.put_typed),
                DELETE=_joins(links.delete))  # fmt: skip
            return
        for name, handler in (("associate/default", links.create_default), ("labels/archive", links.archive_labels)):
            add(f"{base}/batch/{name}", POST=Action(handler, "write", shapes.LINKS, "links", links=True))
        add(f"{base}/labels", GET=Action(labels.every, family="links", links=True),
            POST=Action(labels.create, "write", shapes.LABEL, "links", links=True),
            PUT=Action(labels.update, "write", shapes.LABEL, "links", links=True))  # fmt: skip
        add(f"{base}/labels/{{label}}", DELETE=Action(labels.delete, "write", family="links", links=True))
        add(f"{one}/{{to}}/{{to_id}}", PUT=_joins(links.put, shapes.SPECS), DELETE=_joins(links.delete))
        add(f"{one}/default/{{to}}/{{to_id}}", PUT=_joins(links.put_default))

    def _oauth(self, version: str) -> None:
        oauth, add = OAuth(self._context), self.router.add
        add(f"/oauth/{version}/token", POST=Action(oauth.token, open=True))
        if version == "v1":
            add("/oauth/v1/access-tokens/{token}", GET=Action(oauth.access_token, open=True))
            add("/oauth/v1/refresh-tokens/{token}", GET=Action(oauth.refresh_token, open=True),
                DELETE=Action(oauth.delete_refresh_token, open=True))  # fmt: skip
            return
        add(f"/oauth/{version}/token/introspect", POST=Action(oauth.introspect, open=True))
        add(f"/oauth/{version}/token/revoke", POST=Action(oauth.revoke, open=True))

    def _webhooks(self, base: str) -> None:
        hooks, add = Subscriptions(self._context), self.router.add
        add(f"{base}/settings", GET=Action(hooks.settings, family="app"),
            PUT=Action(hooks.put_settings, "write", shapes.HOOKS, "app"),
            DELETE=Action(hooks.delete_settings, "write", family="app"))  # fmt: skip
        add(f"{base}/subscriptions", GET=Action(hooks.every, family="app"),
            POST=Action(hooks.create, "write", shapes.HOOKS, "app"))  # fmt: skip
        add(f"{base}/subscriptions/batch/update", POST=Action(hooks.batch_update, "write", shapes.HOOKS, "app"))
        add(f"{base}/subscriptions/{{subscription}}", GET=Action(hooks.read, family="app"),
            PATCH=Action(hooks.update, "write", shapes.HOOKS, "app"),
            DELETE=Action(hooks.delete, "write", family="app"))  # fmt: skip


def _writes(handler: Handler, body: Shape | None = None) -> Action:
    return Action(handler, "write", body, lockable=True)


def _joins(handler: Handler, body: Shape | None = None) -> Action:
    return Action(handler, "write", body, "links")


def _tells(handler: Handler) -> Action:
    return Action(handler, family="definitions")


def _defines(handler: Handler, body: Shape | None = None) -> Action:
    return Action(handler, "write", body, "definitions")
