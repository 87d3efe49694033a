// The vendor's own JavaScript client as its documentation shows; prints what it saw as JSON.
import { Client } from "@hubspot/api-client";

const portal = JSON.parse(process.argv[2]);
const client = new Client({ accessToken: portal.access_token, basePath: portal.base_url });
const seen = {};

const { companies, deals } = client.crm;
const one = await companies.basicApi.create({ properties: { name: "Made by the JavaScript client", domain: "made.example" } });
seen.created = one.properties.name;
const batch = await companies.batchApi.create({
  inputs: [1, 2, 3].map((n) => ({ properties: { name: `Batch ${n}` }, associations: [], objectWriteTraceId: `t${n}` })),
});
seen.batch = batch.results.length;
await companies.basicApi.update(one.id, { properties: { city: "Leeds" } });
seen.read = (await companies.basicApi.getById(one.id, ["city", "name"])).properties.city;
const updated = await companies.batchApi.update({
  inputs: batch.results.map((r) => ({ id: r.id, properties: { city: "York" } })),
});
seen.updated = updated.results.map((r) => r.properties.city);

const all = await companies.getAll();
seen.all = all.length;
const found = await companies.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "york" }] }],
  sorts: ["name"],
  properties: ["name", "city"],
  limit: 2,
  after: "0",
});
seen.search = { total: found.total, rows: found.results.length, after: found.paging.next.after };

const deal = await deals.basicApi.create({ properties: { dealname: "A deal", amount: "1200.50" } });
await client.crm.associations.v4.basicApi.createDefault("deals", deal.id, "companies", one.id);
const linked = await client.crm.associations.v4.batchApi.getPage("deals", "companies", { inputs: [{ id: deal.id }] });
seen.linked = linked.results[0].to.map((to) => String(to.toObjectId) === one.id);
seen.owners = (await client.crm.owners.ownersApi.getPage()).results.length > 0;
seen.properties = (await client.crm.properties.coreApi.getAll("companies")).results.some((p) => p.name === "domain");
seen.pipelines = (await client.crm.pipelines.pipelinesApi.getAll("deals")).results.length > 0;

try {
  await companies.basicApi.update(one.id, { properties: { numberofemployees: "many" } });
} catch (error) {
  seen.refused = { code: error.code, category: error.body?.category };
}
try {
  await companies.basicApi.getById("999999999999");
} catch (error) {
  seen.missing = error.code;
}
await companies.basicApi.archive(one.id);
seen.archived = (await companies.basicApi.getPage(100, undefined, undefined, undefined, undefined, true)).results.map((r) => r.id === one.id);
console.log(JSON.stringify(seen));
process.exit(0);
