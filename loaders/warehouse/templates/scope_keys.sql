-- Grain: one row per key of the star that is built anew, or was there before: records, opportunities, customers.
-- Records of two kinds may have the same key.
create temp table scope_key as
with
records as (
    {records}
    union all
    select 'lead' as kind, lead_key as key from scope_lead
),
leads as (
    select customer_key, opportunity_key from previous.fct_lead semi join scope_lead using (lead_key)
)
select distinct kind, key
from (
    select kind, key from records
    union all
    select 'customer', customer_key from leads
    union all
    select 'opportunity', opportunity_key from leads
);
