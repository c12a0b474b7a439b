"""Pure decisions: which labels are accepted, what happens to an object, whether a plan is safe. No I/O."""
