using Schane.Distributed;

namespace Schane.Tests.Distributed;

/// <summary>What the launchers' environment variables mean.</summary>
public class LaunchTests
{
    [Fact]
    public void A_program_started_by_itself_is_alone() => Assert.Null(Find());

    [Fact]
    public void A_script_of_Slurm_that_was_not_started_by_srun_is_alone() =>
        Assert.Null(Find(("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")));

    [Fact]
    public void Each_launcher_is_known_by_its_own_variables()
    {
        Assert.Equal(new Launch(1, 4, "OMPI_COMM_WORLD_SIZE", MpiFamily.OpenMpi),
            Find(("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")));
        Assert.Equal(new Launch(0, 2, "PMI_SIZE", MpiFamily.Mpich), Find(("PMI_RANK", "0"), ("PMI_SIZE", "2")));
        Assert.Equal(new Launch(3, 8, "SLURM_STEP_NUM_TASKS", MpiFamily.Unknown),
            Find(("SLURM_PROCID", "3"), ("SLURM_STEP_NUM_TASKS", "8"), ("PMIX_RANK", "3")));
        Assert.Equal(MpiFamily.Mpich,
            Find(("SLURM_PROCID", "3"), ("SLURM_STEP_NUM_TASKS", "8"), ("PMI_RANK", "3"), ("PMI_SIZE", "8"))!.Family);
    }

    [Fact]
    public void Tasks_of_srun_that_know_nothing_of_each_other_are_refused() =>
        Assert.Contains("--mpi=pmix",
            Assert.Throws<SchaneException>(() => Find(("SLURM_PROCID", "3"), ("SLURM_STEP_NUM_TASKS", "8"))).Message);

    [Theory]
    [InlineData("4", "4")]
    [InlineData("x", "4")]
    [InlineData("0", "-1")]
    public void Variables_that_make_no_sense_are_refused(string rank, string size) =>
        Assert.Contains("make no sense", Assert.Throws<SchaneException>(() => Find(("PMI_RANK", rank), ("PMI_SIZE", size))).Message);

    [Fact]
    public void Each_rank_of_a_machine_takes_the_gpu_of_its_number_unless_the_launcher_gave_it_one()
    {
        static string? Of(int devices, params (string Name, string Value)[] variables) =>
            LocalGpu.Choose(name => variables.FirstOrDefault(v => v.Name == name).Value, devices);
        Assert.Equal("3", Of(8, ("OMPI_COMM_WORLD_LOCAL_RANK", "3")));
        Assert.Equal("1", Of(2, ("SLURM_LOCALID", "3")));
        Assert.Equal("7", Of(8, ("MPI_LOCALRANKID", "1"), ("CUDA_VISIBLE_DEVICES", "4,7")));
        Assert.Null(Of(8, ("SLURM_LOCALID", "3"), ("CUDA_VISIBLE_DEVICES", "5")));
        Assert.Null(Of(0, ("SLURM_LOCALID", "3")));
        Assert.Null(Of(8));
    }

    private static Launch? Find(params (string Name, string Value)[] variables)
    {
        var environment = variables.ToDictionary(v => v.Name, v => v.Value);
        return Launch.Find(name => environment.GetValueOrDefault(name));
    }
}
