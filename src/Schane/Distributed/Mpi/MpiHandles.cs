using System.Runtime.InteropServices;

namespace Schane.Distributed.Mpi;

/// <summary>What one family of MPI libraries calls the things that Schane needs. Every handle has the width of a pointer; MPICH
/// reads the lower half.</summary>
internal sealed record MpiHandles(MpiFamily Family, nint World, nint Float, nint Double, nint Int64, nint Byte, nint Sum, nint InPlace,
    int AnySource, int Serialized)
{
    /// <summary>Looks at what the library exports.</summary>
    public static unsafe MpiHandles Of(nint library)
    {
        nint Symbol(string name) => NativeLibrary.GetExport(library, name);
        if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            return new(MpiFamily.OpenMpi, world, Symbol("ompi_mpi_float"), Symbol("ompi_mpi_double"), Symbol("ompi_mpi_int64_t"),
                Symbol("ompi_mpi_byte"), Symbol("ompi_mpi_op_sum"), 1, -1, 2);
        // MPICH 5 has the function too, and says -1 where it serves its own handles
        var (major, minor) = (-1, -1);
        if (NativeLibrary.TryGetExport(library, "MPI_Abi_get_version", out var version))
            ((delegate* unmanaged<int*, int*, int>)version)(&major, &minor);
        return major >= 1
            ? new(MpiFamily.Standard, 0x101, 0x210, 0x214, 0x258, 0x247, 0x21, 1, -1, 2048)
            : new(MpiFamily.Mpich, 0x44000000, 0x4c00040a, 0x4c00080b, 0x4c00083a, 0x4c00010d, 0x58000003, -1, -2, 2);
    }
}
