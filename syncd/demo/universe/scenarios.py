"""The cast: every kind of registration the demo has, how many, and what a correct engine should find.

Counts are registrations (a pair counts two). "Code" is the collision code in `truth/scenarios.csv`, in the words of
`syncd.model.claims.Code`: C03 the first was approved when the second came, C07 it was still undecided; C09 the direct
opportunity came after the protection was granted, C10 before the decision. Unless it says otherwise a registration was
submitted after go-live and is in the PRM submitted or in review.

scenario                  | count | code | what is there
--------------------------|-------|------|-----------------------------------------------------------------------------
clean_known               |  220  |      | the vendor knows the company and does no business with it
clean_unknown             |  100  |      | the vendor has never heard of the company
old_customer              |   10  |      | bought four to six years ago, a prospect again
settling                  |    8  |      | submitted within the last three minutes: must stay pending
adopted                   |   84  |      | approved by the PRM before go-live, protection running
adopted_ending            |   14  |      | the same, and the protection ends within seven days
adopted_ended             |   12  |      | the same, and it ended before now (half of them within the last week)
approved_after_go_live    |   60  |      | approved in the PRM since go-live and pushed into the CRM
undecided_before_go_live  |   10  |      | filed before go-live and not decided there: never judged
history                   |   30  |      | rejected or expired in the PRM before go-live
earlier_direct            |   70  | C08  | an earlier, open, active direct opportunity shares a product
direct_blank_products     |   20  | C08  | the same, but the opportunity names no products: taken as all products
direct_dormant            |   20  |      | earlier direct opportunity, silent for 65 to 200 days at the submission
direct_disjoint           |   30  |      | earlier open direct opportunity for other products
later_direct              |   35  | C09  | approved before go-live; a rep opened an opportunity since go-live
direct_before_decision    |   30  | C10  | a rep opened an opportunity hours to weeks after the submission
partner_partner           |   30  | C03  | pairs: the first approved before go-live, another partner files since go-live
partner_partner_undecided |   70  | C07  | pairs: both since go-live, hours to weeks apart
simultaneous              |   12  | C06  | pairs: received within one second of each other
partner_partner_disjoint  |   24  |      | pairs for disjoint products: both stand (C04)
same_partner_twice        |   30  | C01  | pairs: the same partner files the same thing again
lost_recently             |   20  | C13  | a direct opportunity was lost 1 to 25 days before the submission
lost_long_ago             |   15  |      | a direct opportunity was lost three months to two years before
existing_customer         |   40  | C14  | bought within three years: by account type, won opportunity, or both
named_account             |   20  | C17  | the account is on the named list
incomplete                |   25  |      | required fields are missing
first_contact_old         |   12  |      | first contact more than 90 days before the submission
first_contact_future      |    5  |      | first contact after the submission
partner_suspended         |   10  |      | the partner is suspended
draft                     |   20  |      | never submitted
malformed                 |    4  |      | no company name; a date of 1900; an absurd amount; a text of 20 kB

Of a pair only the second row carries the code; both name each other. Own deals (C00, never a collision; listed in
`truth/own_deals.csv`): 90 of the adopted and all approved_after_go_live, and of the later_direct every third and of
the partner_partner every second. 25 of them lack the registration's id in the CRM; 12 are for companies that the
vendor did not know (the push made the account), 10 pushes made a second account for a company that it knew; 6 are won.
"""

COUNTS = {
    "clean_known": 220,
    "clean_unknown": 100,
    "old_customer": 10,
    "settling": 8,
    "adopted": 84,
    "adopted_ending": 14,
    "adopted_ended": 12,
    "approved_after_go_live": 60,
    "undecided_before_go_live": 10,
    "history": 30,
    "earlier_direct": 70,
    "direct_blank_products": 20,
    "direct_dormant": 20,
    "direct_disjoint": 30,
    "later_direct": 35,
    "direct_before_decision": 30,
    "partner_partner": 30,
    "partner_partner_undecided": 70,
    "simultaneous": 12,
    "partner_partner_disjoint": 24,
    "same_partner_twice": 30,
    "lost_recently": 20,
    "lost_long_ago": 15,
    "existing_customer": 40,
    "named_account": 20,
    "incomplete": 25,
    "first_contact_old": 12,
    "first_contact_future": 5,
    "partner_suspended": 10,
    "draft": 20,
    "malformed": 4,
}
REQUIRED = (
    "amount", "timeline", "buying_stage", "competition", "current_vendor", "decision_makers", "how_identified",
    "first_contact_date", "activities_done", "next_steps", "proof_of_relationship", "products", "industry",
    "numberofemployees", "location",
)  # fmt: skip
"""What a registration must have; industry, numberofemployees and location are on its company."""
LOCATION = ("address", "city", "zip", "country")
DRAFTED_BEFORE = 10
"""So many second filings of a pair were drafted before the first: the draft's creation gives no priority."""
WITHOUT_ID = 25
"""So many own deals lack the registration's id in the CRM."""
