-- Grain: one row per lead: its marks as pseudonyms (loaders/pseudonyms.py), so that the next build compares like with like.
create temp macro seal(kind, mark) as
    case
        when regexp_full_match(mark, '[0-9a-f]{{24}}') then mark
        else left(sha256(concat_ws(e'\x1f', cast(getvariable('erasure_secret') as varchar), kind, mark)), 24)
    end;
create table snapshot.build.lead_mark as
select
    * replace (
        case when name is not null then seal('name', name) end as name,
        case when email_key is not null then seal('email', email_key) end as email_key,
        case when phone_key is not null then seal('phone', phone_key) end as phone_key,
        case when phone_2_key is not null then seal('phone', phone_2_key) end as phone_2_key
    )
from previous.build.lead_mark;
