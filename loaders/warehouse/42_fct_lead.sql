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
    l.vehicle,
    l.salesperson_key,
    l.bdc_agent_key,
    l.created_at,
    l.created_on,
    l.created_by,
    l.status,
    l.is_sales_lead and not l.is_resend as is_counted,
    l.status = 'duplicate' as is_duplicate,
    l.status = 'bad' as is_bad,
    -- What could be dialled or written to: placeholders and what is no number or address are none.
    coalesce(c.phone_key, c.phone_2_key) is not null as has_phone,
    c.email_key is not null as has_email,
    coalesce(c.phone_key, c.phone_2_key, c.email_key) is not null as is_reachable,
    l.source_key <> 'no_source' as has_source,
    l.salesperson_key <> 'unassigned' or l.bdc_agent_key <> 'unassigned' as has_owner,
    l.status in ('lost', 'bad') as is_given_up,
    l.status in ('lost', 'bad') and l.status_reason is not null as has_reason,
    k.month is not null as has_known_spend,
    l.lead_id,
    l.system,
    l.source_file,
    l.source_line
from stg_lead as l
join stg_episode as e using (lead_key)
join lead_customer as c using (lead_key)
left join known_spend as k
    on k.store_key = l.store_key
    and k.source_key = l.source_key
    and k.month = cast(date_trunc('month', l.created_on) as date)
order by l.created_at, l.lead_key;
