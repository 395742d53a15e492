-- Grain: the rows of {fact} in the scope are written again.
delete from snapshot.main.{fact} where {column} in (select key from scope_key where kind = '{kind}');

insert into snapshot.main.{fact} by name
select * from part.main.{fact} where {column} is distinct from 'unknown';
