//! The command `insightframe`, as a binary of its own.

fn main() -> std::process::ExitCode {
    insightframe::cli::main()
}
