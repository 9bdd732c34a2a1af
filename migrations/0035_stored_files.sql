-- The bytes of files where every machine's workers reach them: by their SHA-256, in pieces of 1 MiB packed by zstd.
-- They are no operator's: bytes are found by the files that name them, which are. Only the importing role comes here.

create table if not exists stored_file (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    size bigint not null check (size >= 0),
    pieces int not null check (pieces >= 0),
    kept_at timestamptz not null default now()  -- or when they were wanted again last
);

create table if not exists stored_piece (
    sha256 bytea not null references stored_file (sha256) on delete cascade,
    number int not null,
    content bytea not null,
    primary key (sha256, number)
);
-- Packed already: the server need not try.
alter table stored_piece alter column content set storage external;

alter table stored_file enable row level security;
alter table stored_piece enable row level security;
grant select, insert, update, delete on stored_file, stored_piece to tollwright_ingest;
