-- How a seller's documents look, from a day on: what was issued before looks for good as it did.

create table if not exists brand (
    operator int not null references operator (id),
    reseller bigint,                      -- null: the operator's own
    valid_from date not null,
    document jsonb not null,
    version int not null,
    changed_at timestamptz not null default now()
);
create unique index if not exists brand_day on brand (operator, coalesce(reseller, 0), valid_from);

alter table brand enable row level security;
drop policy if exists own on brand;
create policy own on brand using (operator = app_operator()) with check (operator = app_operator() and app_reaches(reseller));
grant select, insert on brand to tollwright_app, tollwright_ingest;
grant update (document, version, changed_at) on brand to tollwright_app;
