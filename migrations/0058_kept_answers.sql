-- What was answered to a command that came with an idempotency key, as it was answered: the same again, the same answer.
-- caller: the client, and who has signed in through it. token: whose turn it is to carry the command out, until begun_at
-- is long ago. done is written in the transaction that the command has its effect in, so that nothing is done twice.
create table if not exists kept_answer (
    operator int not null references operator (id),
    caller text not null,
    key text not null check (char_length(key) <= 64),
    content bytea not null check (octet_length(content) = 32),
    token bytea not null unique check (octet_length(token) = 16),
    begun_at timestamptz not null,
    done boolean not null default false,
    answer text,
    primary key (operator, caller, key)
);
create index if not exists kept_answer_old on kept_answer (operator, begun_at);

alter table kept_answer enable row level security;
drop policy if exists own on kept_answer;
create policy own on kept_answer using (operator = app_operator()) with check (operator = app_operator());

grant select, insert, update, delete on kept_answer to tollwright_app;
grant select, update on kept_answer to tollwright_ingest;
