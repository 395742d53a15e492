-- Grain: one row per row of {schema}.{table} of the snapshot that is written again; cells that were emptied are in `emptied`.
create table snapshot."{schema}"."{table}" as
select p.* {replaced}
from previous."{schema}"."{table}" as p
{emptied}
order by p.rowid;
