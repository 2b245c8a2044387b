//! Gives the program's own stack the size that deep recursion in filters takes.

fn main() {
    toolcell_stack::link();
}
