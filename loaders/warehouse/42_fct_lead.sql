-- Grain: one row per enquiry record that the CRM has not deleted.
create table fct_lead as
with
-- What could be dialled or written to: placeholders and what is no number or address are none.
reachable as (
    select lead_key, bool_or(rule = 'phone') as has_phone, bool_or(rule = 'email') as has_email
    from identity_mark
    where rule in ('phone', 'email')
    group by lead_key
),
explained as (
    select store, system, lead_id
    from record_lead
    where status in ('lost', 'bad') and status_reason is not null
)
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
    coalesce(m.has_phone, false) as has_phone,
    coalesce(m.has_email, false) as has_email,
    m.lead_key is not null as is_reachable,
    l.source_key <> 'no_source' as has_source,
    l.salesperson_key <> 'unassigned' or l.bdc_agent_key <> 'unassigned' as has_owner,
    l.status in ('lost', 'bad') as is_given_up,
    r.lead_id is not null as has_reason,
    k.month is not null as has_known_spend,
    l.lead_id,
    l.system,
    l.source_file,
    l.source_line
from stg_customer_lead as l
join stg_episode as e using (lead_key)
left join reachable as m using (lead_key)
left join explained as r on r.store = l.store and r.system = l.system and r.lead_id = l.lead_id
left join known_spend as k
    on k.store_key = l.store_key
    and k.source_key = l.source_key
    and k.month = cast(date_trunc('month', l.created_on) as date)
order by l.created_at, l.lead_key;
