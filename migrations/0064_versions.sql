-- Versions of what is changed as one thing and stands in no row of its own, or in many: the prices of a list, the terms of
-- a reseller, the groups of a customer, the operator's rules. What has no row has never been changed: version 1.
create table if not exists aggregate_version (
    operator int not null references operator (id),
    kind text not null,
    key text not null,
    version int not null check (version > 1),
    primary key (operator, kind, key)
);

alter table aggregate_version enable row level security;
drop policy if exists own on aggregate_version;
create policy own on aggregate_version using (operator = app_operator()) with check (operator = app_operator());

grant select, insert, update on aggregate_version to tollwright_app;
grant select on aggregate_version to tollwright_ingest;
