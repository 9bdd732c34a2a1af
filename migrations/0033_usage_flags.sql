-- What a person may want to know of an event that is good: that its end never came, that its local time happened twice.
-- Few events have any, so they stand beside usage. A version without a row has those of the version before; a version
-- that corrects a session has a row of its own, empty where nothing is to be said any more.
create table if not exists usage_flag (
    operator int not null,
    start timestamptz not null,
    source int not null,
    key bigint not null,
    version smallint not null,
    chunk bigint not null,
    flags text not null,              -- words, a comma between
    primary key (operator, start, source, key, version)
);

alter table usage_flag enable row level security;
drop policy if exists own on usage_flag;
create policy own on usage_flag using (operator = app_operator()) with check (operator = app_operator());

grant select on usage_flag to tollwright_app;
grant select, insert on usage_flag to tollwright_ingest;
