-- Grain: one row per lead and mark by which a record, or another lead, may find it: what a change of one may reach.
create or replace {kind} {name} as
select store, rule || ':' || "value" as mark, lead_key, name from identity_mark where rule in ('email', 'phone')
union all
select store, 'id:' || lead_id, lead_key, null from stg_lead
union all
select store, 'id:' || merged_into, lead_key, null from stg_lead where merged_into is not null
union all
select store, 'customer id:' || customer_id, lead_key, null
from stg_lead
where not regexp_matches(customer_id, '^(0+|-1)$')
union all
select store, 'name:' || name_key || '|' || cast(created_on as varchar), lead_key, null
from stg_lead
where name_key <> '';
