-- Grain: adds the marks by which records of {table} in the scope name leads, as they are and as they were.
insert into scope_mark
with
refs as (
    {refs}
)
select distinct store, mark from refs where mark is not null
except
select store, mark from scope_mark;
