// jsforce as its documentation shows, against whatever org the first argument describes; prints what it saw as JSON.
import jsforce from "jsforce";

const org = JSON.parse(process.argv[2]);
const seen = {};

const oauth2 = new jsforce.OAuth2({ loginUrl: org.base_url, clientId: org.client_id, clientSecret: org.client_secret });
const conn = new jsforce.Connection({ oauth2, instanceUrl: org.base_url, version: org.api_version });
await conn.authorize({ grant_type: "client_credentials" });
const identity = await conn.identity();
seen.identity = { organization_id: identity.organization_id, username: identity.username };
seen.versions = (await conn.request("/services/data")).map((one) => one.version);

const account = conn.sobject("Account");
const made = await account.create([{ Name: "Made by jsforce" }, { Name: "Also made by jsforce" }]);
seen.created = made.map((one) => one.success);
const ids = made.map((one) => one.id);
seen.updated = (await account.update(ids.map((Id) => ({ Id, Industry: "Retail" })))).map((one) => one.success);
seen.retrieved = (await account.retrieve(ids)).map((one) => one.Industry);
seen.refused = (await account.create([{ Industry: "Retail" }])).map((one) => one.errors.map((e) => e.errorCode ?? e.statusCode));

const first = await conn.query("SELECT Id, Name FROM Account ORDER BY Id");
seen.first = { total: first.totalSize, rows: first.records.length, done: first.done };
let page = first;
let rows = first.records.length;
while (!page.done) {
  page = await conn.queryMore(page.nextRecordsUrl);
  rows += page.records.length;
}
seen.rows = rows;
seen.count = (await conn.query("SELECT COUNT() FROM Account WHERE Name LIKE '%jsforce'")).totalSize;

const described = await conn.describe("Account");
seen.described = { name: described.name, name_length: described.fields.find((f) => f.name === "Name").length };
seen.global = (await conn.describeGlobal()).sobjects.some((one) => one.name === "Opportunity");
seen.limits = (await conn.limits()).DailyApiRequests.Max;

try {
  await conn.query("SELECT Nope__c FROM Account");
} catch (error) {
  seen.error = error.errorCode;
}

const bulk = [];
const stream = await conn.bulk2.query("SELECT Id, Name FROM Account");
for await (const one of stream) bulk.push(one);
seen.bulk = bulk.length;
const ingested = await conn.bulk2.loadAndWaitForResults({
  object: "Account",
  operation: "update",
  input: ids.map((Id, n) => ({ Id, Phone: `+44 20 7946 000${n}` })),
  pollTimeout: 30000,
  pollInterval: 50,
});
seen.ingested = { ok: ingested.successfulResults.length, failed: ingested.failedResults.length };

seen.destroyed = (await account.destroy(ids)).map((one) => one.success);
seen.deleted = (await conn.query("SELECT Id FROM Account WHERE IsDeleted = true", { scanAll: true })).totalSize;
console.log(JSON.stringify(seen));
process.exit(0);
