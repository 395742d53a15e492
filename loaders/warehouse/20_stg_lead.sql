-- Grain: one row per lead record that the CRM has not deleted, with its keys; until customers are known, each is its own.
create temp table stg_lead as
with
leads as (
    select
        key3(l.store, l.system, l.lead_id) as lead_key,
        lead_key as customer_key,
        s.store_key,
        s.time_zone,
        l.*
        exclude (
            lead_type,
            vehicle_condition,
            row_id,
            file_hash,
            source_sheet,
            profile,
            block,
            exported_at,
            modified_at,
            is_deleted,
            sub_source,
            source_group,
            crm_sold_at,
            crm_total_gross
        )
        replace (
            coalesce(l.customer_name, k.customer_name) as customer_name,
            coalesce(l.email, k.email) as email,
            coalesce(l.phone, k.phones[1]) as phone,
            coalesce(l.phone_2, k.phones[2]) as phone_2,
            coalesce(l.merged_into, m.merged_into) as merged_into
        ),
        name_key(coalesce(l.customer_name, k.customer_name)) as name_key,
        lower(regexp_extract(coalesce(l.email, k.email), '@([^\s@<>,;]*[^\s@<>,;.])', 1)) as email_domain,
        l.lead_type,
        coalesce(l.vehicle_condition, '(not given)') as vehicle_condition,
        coalesce(src.source_key, 'no_source') as source_key,
        coalesce(p.person_key, 'unassigned') as salesperson_key,
        coalesce(b.person_key, 'unassigned') as bdc_agent_key,
        cast(timezone(s.time_zone, l.created_at) as date) as created_on
    from record_lead as l
    join dim_store as s using (store)
    left join (select distinct store, system, ref, source_key from source_ref) as src
        on src.store = l.store and src.system = l.system and src.ref = l.source
    left join customer_known as k
        on k.store = l.store and k.system = l.system and k.customer_id = l.customer_id
    left join lead_merged as m on m.store = l.store and m.system = l.system and m.lead_id = l.lead_id
    left join person_ref as p on p.store = l.store and p.system = l.system and p.ref = l.salesperson
    left join person_ref as b on b.store = l.store and b.system = l.system and b.ref = l.bdc_agent
),
-- The CRM calls few test leads by that name: the others are recognised, and each is a finding.
told as (
    select
        * exclude (email_domain),
        case
            when is_test then null
            when exists (
                from setting_test_domain as d
                where email_domain = d.domain or ends_with(email_domain, '.' || d.domain)
            ) then 'its e-mail is of your own staff'
            when not (select recognise_tests from build) then null
            when is_test_name(customer_name) then 'its name is made of test words'
            when is_test_email(email) then 'its e-mail is a test address'
        end as test_reason
    from leads
),
final as (
    select
        * replace (is_test or test_reason is not null as is_test),
        case
            when created_at_is_date then timezone(time_zone, cast(created_on + 1 as timestamp))
            else created_at
        end as created_by,
        lead_type not in ('service', 'import') and not is_test and test_reason is null as is_sales_lead
    from told
)
select * from final;
