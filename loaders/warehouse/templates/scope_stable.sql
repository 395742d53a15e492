-- Grain: one row per thing that records outside the changes depend on and that is no longer as it was.
select 'store' as what
from (
    select
        store_key,
        time_zone,
        currency,
        response_standard_seconds,
        has_contact_log,
        has_survey_log,
        has_service_log,
        has_deal_log,
        has_two_deal_logs
    from previous.dim_store
    except
    select
        store_key,
        time_zone,
        currency,
        response_standard_seconds,
        has_contact_log,
        has_survey_log,
        has_service_log,
        has_deal_log,
        has_two_deal_logs
    from dim_store
)
union all
select 'store without deal records' from dim_store where not has_deal_log
union all
select 'deal system'
from (
    select store, system, is_crm from previous.build.deal_system
    except
    select store, system, is_crm from deal_system
)
union all
select 'person'
from (
    select store, system, ref, person_key from previous.build.person_ref
    except
    select store, system, ref, person_key from person_ref
)
union all
select 'machine, or first day'
from (
    select person_key, is_machine, started_on from previous.dim_person
    except
    select person_key, is_machine, started_on from dim_person
)
union all
select 'source'
from (
    select store, system, ref, source_key from previous.build.source_ref
    except
    select store, system, ref, source_key from source_ref
)
union all
select 'link' from record_link;
