-- Grain: one row per thing in the data that a reader should know. Its record_key names the record or opportunity that it
-- is about by kind and key; null for what the data say as a whole.
create table data_finding as
with
late_milestones as (
    select opportunity_key, store_key, lead_id, source_file, source_line, created_at, created_on, unnest([
        struct_pack(step := 'sold', moment := sold_at, seconds := seconds_to_sold),
        struct_pack(step := 'appointment set', moment := appointment_set_at, seconds := seconds_to_appointment_set),
        struct_pack(step := 'shown', moment := shown_at, seconds := seconds_to_shown),
        struct_pack(step := 'contacted', moment := contacted_at, seconds := seconds_to_contacted),
        struct_pack(step := 'first attempt', moment := first_attempt_at, seconds := seconds_to_first_attempt)
    ]) as milestone
    from fct_opportunity
),
unlinked as (
    select l.kind, s.store_key, l.id, key3(l.store, l.system, l.id) as record_key
    from stg_link as l
    join dim_store as s using (store)
    where l.lead_key is null and l.customer_key is null and l.kind not in ('sale', 'survey')
    union all
    select 'contact', s.store_key, c.contact_id, c.contact_key
    from stg_contact as c
    join dim_store as s using (store)
    where c.lead_key is null and c.customer_key is null
    union all
    select 'survey', l.store_key, l.id, l.survey_key
    from (select key3(store, system, id) as survey_key, * from stg_link join dim_store using (store)) as l
    join fct_survey as v using (survey_key)
    where l.kind = 'survey' and v.customer_key = 'unknown'
    union all
    -- Of a deal that stands in several systems, one record with a lead is enough.
    select 'sale', store_key, sale_id, sale_key
    from stg_sale
    where lead_key is null and customer_key is null
),
spend_periods as (
    select distinct
        store,
        system,
        source,
        coalesce(account, '') as account,
        coalesce(campaign, '') as campaign,
        period_start,
        period_end
    from record_spend
    where amount is not null
),
-- An export by month and one by day of the same campaign hold the same money twice.
overlapping_periods as (
    select
        *,
        max(period_end) over (
            partition by store, system, source, account, campaign
            order by period_start, period_end
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from spend_periods
    qualify period_start <= covered_until
),
findings as (
    select
        'milestone_before_creation' as finding,
        store_key,
        lead_id as record,
        milestone.step || ' on ' || cast(cast(milestone.moment as date) as varchar)
        || ', before the lead on ' || cast(created_on as varchar) as detail,
        source_file,
        source_line,
        'opportunity ' || opportunity_key as record_key
    from late_milestones
    where milestone.moment is not null and milestone.seconds is null
    union all
    select
        'status_without_time',
        store_key,
        appointment_id,
        outcome || ' without a time: counted as done in advance',
        source_file,
        source_line,
        'appointment ' || appointment_key
    from stg_appointment
    where is_status_without_time
    union all
    select
        'appointment_without_set_time',
        store_key,
        appointment_id,
        'due, but not among the appointments set: the export does not say when it was made',
        source_file,
        source_line,
        'appointment ' || appointment_key
    from stg_appointment
    where set_at is null and is_sales_appointment
    union all
    select
        'test_lead_recognised',
        store_key,
        lead_id,
        'counted as a test: ' || test_reason,
        source_file,
        source_line,
        'lead ' || lead_key
    from stg_lead
    where test_reason is not null
    union all
    select 'no_lead_found', store_key, id, kind || ' could not be joined to a lead', null, null, kind || ' ' || record_key
    from unlinked
    union all
    select
        'sale_date_fallback',
        store_key,
        sale_id,
        'the chosen sale date is missing: the next one counts',
        source_file,
        source_line,
        'sale ' || sale_key
    from stg_sale
    where is_other_date
    union all
    select
        'deal_from_lead_record',
        s.store_key,
        d.lead_id,
        'the store has no deal records: the time at which the CRM calls the lead sold counts',
        d.source_file,
        d.source_line,
        null
    from deals_of_leads as d
    join dim_store as s using (store)
    union all
    select
        'deal_of_unknown_stage',
        s.store_key,
        u.sale_id,
        'nothing says whether the stage "' || u.stage || '" is won: the deal is not counted',
        u.source_file,
        u.source_line,
        null
    from deal_of_unknown_stage as u
    join dim_store as s using (store)
    union all
    select
        'deal_in_several_systems',
        store_key,
        sale_id,
        record_count || ' records of one deal',
        source_file,
        source_line,
        'sale ' || sale_key
    from stg_sale
    where record_count > 1
    union all
    select
        'spend_periods_overlap',
        s.store_key,
        null,
        o.source || case when o.campaign = '' then '' else ', campaign ' || o.campaign end
        || ': entries with overlapping periods both count, the first from '
        || cast(min(o.period_start) as varchar) || ' (' || count(*) || ' in all)',
        null,
        null,
        null
    from overlapping_periods as o
    join dim_store as s using (store)
    group by s.store_key, o.system, o.source, o.account, o.campaign
    union all
    select
        'annotation_of_nobody',
        store_key,
        null,
        'the settings tell of "' || person || '" (' || label || '), and no record of the store names them',
        null,
        null,
        null
    from annotation
    where person is not null and person_key is null
    union all
    select
        'dated_after_now', s.store_key, null, later_count || ' events are dated after the load', null, null, null
    from store_event
    join dim_store as s using (store)
    where later_count > 0
    union all
    select f.finding, s.store_key, f.record, f.detail, f.source_file, f.source_line, null
    from read_finding as f
    left join dim_store as s using (store)
)
select * from findings order by finding, store_key, record, detail, source_file, source_line;
