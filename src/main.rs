//! The command `insightframe`, as a binary of its own.

// The wheel's library has its own, and it is the same.
#[cfg(not(feature = "python"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    insightframe::cli::main()
}
