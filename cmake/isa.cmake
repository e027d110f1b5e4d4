# The one table of instruction sets: name -> compiler flags. Only files under kernels/ named *_<isa>.cc get them, each
# in its own object library, so that a test can prove that nothing compiled for a newer CPU leaks into the rest.
set(INTVIT_ISAS scalar avx2 avxvnni avx512vnni amx)
set(INTVIT_ISA_FLAGS_scalar "")
set(INTVIT_ISA_FLAGS_avx2 -mavx2)
set(INTVIT_ISA_FLAGS_avxvnni -mavx2 -mavxvnni)
set(INTVIT_ISA_FLAGS_avx512vnni -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
    # gcc 12's own intrinsics headers trip these (GCC bug 105593)
    -Wno-uninitialized -Wno-maybe-uninitialized)
set(INTVIT_ISA_FLAGS_amx ${INTVIT_ISA_FLAGS_avx512vnni} -mamx-tile -mamx-int8)
