-- Which operators hold keys of programs: what a program wrote counts as theirs too. By the key's name, as the history has it.
CREATE TABLE key_maker (
    key_name TEXT NOT NULL,
    operator TEXT NOT NULL,
    PRIMARY KEY (key_name, operator)
);
