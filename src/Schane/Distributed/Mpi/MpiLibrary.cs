using System.Runtime.InteropServices;
using System.Text;

namespace Schane.Distributed.Mpi;

/// <summary>The functions of a loaded MPI library. Open MPI, MPICH and the standard interface of MPI 5 share these signatures once handles
/// have the width of a pointer.</summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>Environment variable that names the library to load.</summary>
    public const string Override = "SCHANE_MPI";

    private static readonly string[] OpenMpi = ["libmpi.so.40", "libmpi.so.80"], Mpich = ["libmpich.so.12", "libmpi.so.12"],
        Others = ["libmpi_abi.so.0", "libmpi.so"];

    private readonly nint library;

    private MpiLibrary(nint library, string name)
    {
        (this.library, Name, Handles) = (library, name, MpiHandles.Of(library));
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Function("MPI_Init_thread");
        Finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        Abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        RankOf = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        SizeOf = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        AllReduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int>)Function("MPI_Iallreduce");
        AllGather = (delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int>)Function("MPI_Iallgather");
        AllGatherUneven = (delegate* unmanaged<nint, int, nint, nint, nint, nint, nint, nint, nint*, int>)Function("MPI_Iallgatherv");
        Broadcast = (delegate* unmanaged<nint, int, nint, int, nint, nint*, int>)Function("MPI_Ibcast");
        Barrier = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Ibarrier");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Function("MPI_Test");
        Send = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Function("MPI_Isend");
        Probe = (delegate* unmanaged<int, int, nint, int*, nint, int>)Function("MPI_Iprobe");
        Receive = (delegate* unmanaged<nint, int, nint, int, int, nint, nint, int>)Function("MPI_Recv");
        Free = (delegate* unmanaged<nint*, int>)Function("MPI_Request_free");
    }

    /// <summary>File name it was loaded by.</summary>
    public string Name { get; }

    public MpiHandles Handles { get; }

    public delegate* unmanaged<nint, nint, int, int*, int> InitThread { get; }

    public delegate* unmanaged<int> Finalize { get; }

    public delegate* unmanaged<nint, int, int> Abort { get; }

    public delegate* unmanaged<nint, int*, int> RankOf { get; }

    public delegate* unmanaged<nint, int*, int> SizeOf { get; }

    public delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int> AllReduce { get; }

    public delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int> AllGather { get; }

    public delegate* unmanaged<nint, int, nint, nint, nint, nint, nint, nint, nint*, int> AllGatherUneven { get; }

    public delegate* unmanaged<nint, int, nint, int, nint, nint*, int> Broadcast { get; }

    public delegate* unmanaged<nint, nint*, int> Barrier { get; }

    public delegate* unmanaged<nint*, int*, nint, int> Test { get; }

    public delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> Send { get; }

    public delegate* unmanaged<int, int, nint, int*, nint, int> Probe { get; }

    public delegate* unmanaged<nint, int, nint, int, int, nint, nint, int> Receive { get; }

    public delegate* unmanaged<nint*, int> Free { get; }

    /// <summary>First line of what the library says of itself; may be asked before it is initialised.</summary>
    public string Version
    {
        get
        {
            Span<byte> text = new byte[8192];                             // MPI_MAX_LIBRARY_VERSION_STRING of all families
            int length;
            fixed (byte* start = text)
                ((delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version"))(start, &length);
            return Encoding.UTF8.GetString(text[..length]).Trim('\0').Split('\n', ',')[0].Replace('\t', ' ').Trim();
        }
    }

    /// <summary>Loads the library of a launcher's family, or the one that <see cref="Override"/> names, or else any; null
    /// where there is none.</summary>
    /// <exception cref="SchaneException">The named library does not load or is not MPI.</exception>
    public static MpiLibrary? Load(MpiFamily family)
    {
        if (Environment.GetEnvironmentVariable(Override) is { Length: > 0 } named)
            return Of(named) ?? throw new SchaneException(
                $"{Override} names '{named}', which does not load as an MPI library; name its file, or unset it.");
        return Candidates(family).Select(Of).FirstOrDefault(found => found is not null);
    }

    /// <summary>Every library of MPI that loads here.</summary>
    public static IReadOnlyList<MpiLibrary> All() =>
        [.. Candidates(MpiFamily.Unknown).Select(Of).OfType<MpiLibrary>().DistinctBy(found => found.library)];

    private static IEnumerable<string> Candidates(MpiFamily family) =>
        OperatingSystem.IsWindows() ? ["msmpi.dll"]
        : OperatingSystem.IsMacOS() ? (family == MpiFamily.Mpich
            ? (string[])["libmpi.12.dylib", "libmpi.dylib"] : ["libmpi.40.dylib", "libmpi.dylib", "libmpi.12.dylib"])
        : family == MpiFamily.Mpich ? [.. Mpich, .. Others, .. OpenMpi]
        : [.. OpenMpi, .. Mpich, .. Others];

    private static MpiLibrary? Of(string name) =>
        NativeLibrary.TryLoad(name, out var library) && NativeLibrary.TryGetExport(library, "MPI_Iallreduce", out _)
            ? new(library, Path.GetFileName(name)) : null;

    private nint Function(string name) => NativeLibrary.GetExport(library, name);
}
