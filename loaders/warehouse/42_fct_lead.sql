-- Grain: one row per enquiry record that the CRM has not deleted.
create table fct_lead as
select
    l.lead_key,
    e.opportunity_key,
    l.store_key,
    l.customer_key,
    l.source_key,
    l.lead_type,
    l.vehicle_condition,
    l.salesperson_key,
    l.bdc_agent_key,
    l.created_at,
    l.created_on,
    l.created_by,
    l.status,
    l.is_sales_lead and not l.is_resend as is_counted,
    l.status = 'duplicate' as is_duplicate,
    l.status = 'bad' as is_bad,
    k.month is not null as has_known_spend,
    l.lead_id,
    l.system,
    l.source_file,
    l.source_line
from stg_customer_lead as l
join stg_episode as e using (lead_key)
left join known_spend as k
    on k.store_key = l.store_key
    and k.source_key = l.source_key
    and k.month = cast(date_trunc('month', l.created_on) as date)
order by l.created_at, l.lead_key;
