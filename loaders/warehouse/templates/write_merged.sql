-- Grain: the touched records of {table} are written again.
delete from snapshot.canonical.{table} as c using touched_{table} as t
where c.store = t.store and c.system = t.system and c.{key} = t.{key};

insert into snapshot.canonical.{table} by name select * from merged_{table};

drop table merged_{table};
drop table touched_{table};
