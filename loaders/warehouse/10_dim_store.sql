-- Grain: one row per store and system that has deals. A system that also brings leads is a CRM, else it is a DMS.
create temp table deal_system as
select store, system, (store, system) in (select (store, system) from record_lead) as is_crm
from (select distinct store, system from record_sale);

-- Grain: one row per store with recorded events: the newest by the time of the load, and how many are dated after it.
create temp table store_event as
select
    store,
    max(recorded_at) filter (recorded_at <= (select loaded_at from build)) as newest_at,
    count(*) filter (recorded_at > (select loaded_at from build)) as later_count
from recorded_event
group by store;

-- Grain: one row per store that has any record.
-- "Now" of a store is the newest recorded event that is not later than the load; --as-of sets it for all.
create table dim_store as
with
stores as (
    select
        key3(s.store, '', '') as store_key,
        s.store,
        s.time_zone,
        s.currency,
        s.locale,
        coalesce((select as_of from build), e.newest_at, (select loaded_at from build)) as as_of,
        s.response_standard_seconds
    from setting_store as s
    left join store_event as e using (store)
),
final as (
    select
        store_key,
        store,
        time_zone,
        currency,
        locale,
        as_of,
        cast(timezone(time_zone, as_of) as date) as as_of_on,
        exists (select 1 from record_contact as c where c.store = stores.store) as has_contact_log,
        exists (select 1 from record_survey as v where v.store = stores.store and v.kind = 'sales') as has_survey_log,
        exists (select 1 from record_service_visit as v where v.store = stores.store) as has_service_log,
        not exists (select 1 from deals_of_leads as d where d.store = stores.store) as has_deal_log,
        -- A deal can be missing on one side only where there are two.
        exists (select 1 from deal_system as d where d.store = stores.store and d.is_crm)
        and exists (select 1 from deal_system as d where d.store = stores.store and not d.is_crm) as has_two_deal_logs,
        response_standard_seconds
    from stores
)
select * from final order by store;
