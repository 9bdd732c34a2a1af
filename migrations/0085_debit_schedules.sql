-- A bar that was lifted since its invoice was paid is taken again where the payment came back.
alter table collection_step drop constraint if exists collection_step_once;
create unique index if not exists collection_step_running_once on collection_step (operator, invoice, position)
    where ended_at is null;
