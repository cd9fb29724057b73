using System.Globalization;

namespace Schane.Distributed;

/// <summary>What the launcher says of this process. Reading it loads nothing.</summary>
/// <param name="Rank">Number of this process.</param>
/// <param name="Size">Number of processes.</param>
/// <param name="Variable">Where the size stands.</param>
/// <param name="Family">The MPI that the launcher belongs to.</param>
internal sealed record Launch(int Rank, int Size, string Variable, MpiFamily Family)
{
    private static readonly (string Rank, string Size, MpiFamily Family)[] Launchers =
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", MpiFamily.OpenMpi),            // mpirun of Open MPI
        // mpirun of MPICH, Intel MPI and MVAPICH; srun --mpi=pmi2; MS-MPI
        ("PMI_RANK", "PMI_SIZE", MpiFamily.Mpich),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", MpiFamily.Unknown),                    // srun --mpi=pmix
    ];

    /// <summary>The launcher of this process; null for a program that was started by itself.</summary>
    /// <param name="environment">Environment variables.</param>
    /// <exception cref="SchaneException">Started side by side without MPI, or by variables that make no sense.</exception>
    public static Launch? Find(Func<string, string?> environment)
    {
        foreach (var (rank, size, family) in Launchers)
        {
            if (environment(size) is not { } all || environment(rank) is not { } own)
                continue;
            if (!int.TryParse(all, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                || !int.TryParse(own, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number >= count)
                throw new SchaneException(
                    $"The launcher's variables make no sense: {rank} is '{own}' and {size} is '{all}'; start again with mpirun or srun.");
            if (family != MpiFamily.Unknown)
                return new(number, count, size, family);
            if (environment("PMIX_RANK") is not null)
                return new(number, count, size, family);
            if (count > 1)
                throw new SchaneException($"srun started {count} tasks ({size}) that know nothing of each other; add --mpi=pmix or " +
                    "--mpi=pmi2 (`srun --mpi=list` shows what there is), or ask for one task.");
        }
        return null;
    }
}

/// <summary>Who defines the handles of a library.</summary>
internal enum MpiFamily
{
    /// <summary>Not told by the launcher.</summary>
    Unknown,

    /// <summary>Open MPI: handles are addresses of exported symbols.</summary>
    OpenMpi,

    /// <summary>MPICH and what shares its binary interface: 32-bit constants.</summary>
    Mpich,

    /// <summary>The standard binary interface of MPI 5: small constants.</summary>
    Standard,
}
