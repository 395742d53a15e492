-- Grain: one row per lead: the marks by which a record, or another lead, may find it: what a change of one may reach.
create or replace {kind} {name} as
select
    l.lead_key,
    l.store,
    l.lead_id,
    l.merged_into,
    l.customer_id,
    nullif(l.name_key, '') as name,
    l.created_on,
    c.email_key,
    c.phone_key,
    c.phone_2_key
from stg_lead as l
join lead_customer as c using (lead_key);
