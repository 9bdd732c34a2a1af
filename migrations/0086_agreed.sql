-- What two people agreed on: in which currency an approval's amount is, and that a schedule runs without asking again.

alter table approval add column if not exists currency text;
comment on column approval.currency is 'of the amount; null: the operator''s own';

-- A schedule that was there before its operator's rule asked anybody is agreed by nobody.
alter table bill_schedule add column if not exists agreed boolean not null default false;
