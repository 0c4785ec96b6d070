# The peers: only here, and only asked for, are other libraries' kernels linked. Files peers*.cpp.
target_sources(talweg_bench_lib PRIVATE ${peer_sources})
target_compile_definitions(talweg_bench_lib PUBLIC TALWEG_PEERS)
