-- Grain: one row per lead id of the scope.
create or replace temp table scope_id as
select store, mark[4:] as lead_id from scope_mark where starts_with(mark, 'id:');

-- Grain: one row per customer id of the scope.
create or replace temp table scope_customer_id as
select store, mark[13:] as customer_id from scope_mark where starts_with(mark, 'customer id:');
