//! Gives the program's own stack the size that deep recursion in calculations takes.

fn main() {
    toolcell_stack::link();
}
