using System.Text;
using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Tensors;

public sealed class ControlGroupTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("cpu.max", "150000 100000", 1.5)]
    [InlineData("cpu.max", "max 100000", null)]
    [InlineData("job/cpu.max", "50000 100000", 0.5)]
    [InlineData("job/step/cpu.max", "400000 200000", 2.0)]
    [InlineData("other/cpu.max", "10000 100000", null)]
    public void Processor_time_is_limited_by_the_group_of_the_process_or_any_above_it(string file, string text, double? processors) =>
        Assert.Equal(processors, Group("0::/job/step\n", (file, text)).Processors());

    [Theory]
    [InlineData("150000", 1.5)]
    [InlineData("-1", null)]
    public void The_first_version_of_control_groups_has_quota_and_period_apart(string quota, double? processors)
    {
        Assert.Equal(processors, Group("3:cpu,cpuacct:/docker/1\n", ("cpu/docker/cpu.cfs_quota_us", quota),
            ("cpu/docker/cpu.cfs_period_us", "100000")).Processors());
        Assert.Equal(processors, Group("3:cpu,cpuacct:/docker/1\n", ("cpu,cpuacct/cpu.cfs_quota_us", quota),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000")).Processors());
    }

    [Fact]
    public void The_smallest_limit_holds()
    {
        var group = Group("0::/a/b\n", ("a/cpu.max", "300000 100000"), ("a/b/cpu.max", "200000 100000"),
            ("a/memory.max", "1000"), ("a/b/memory.max", "2000"));
        Assert.Equal((2.0, 1000L), (group.Processors(), group.Memory()));
    }

    [Fact]
    public void Memory_that_is_left_is_the_limit_less_what_is_held_and_cannot_be_dropped()
    {
        var group = Group("0::/g\n", ("g/memory.max", "1000"), ("g/memory.current", "700"),
            ("g/memory.stat", "anon 500\ninactive_file 150"));
        Assert.Equal((1000L, 450L), (group.Memory(), group.MemoryLeft()));
        Assert.Null(Group("0::/g\n", ("g/memory.max", "max")).MemoryLeft());
        Assert.Null(Group("4:memory:/g\n", ("memory/g/memory.limit_in_bytes", "9223372036854771712"),
            ("memory/g/memory.usage_in_bytes", "700")).Memory());
        Assert.Equal(450, Group("4:memory:/g\n", ("memory/g/memory.limit_in_bytes", "1000"),
            ("memory/g/memory.usage_in_bytes", "700"), ("memory/g/memory.stat", "total_inactive_file 150")).MemoryLeft());
    }

    [Theory]
    [InlineData("0::/\n", "")]
    [InlineData("0::/user.slice/job.scope\n", "|/user.slice|/user.slice/job.scope")]
    [InlineData("5:cpu:/x\n4:memory:/docker/1\n", "|/docker|/docker/1")]
    public void A_limit_may_stand_at_any_group_above_the_process(string file, string groups) =>
        Assert.Equal(groups, string.Join('|', new ControlGroup(folder.Path, folder.Write("cgroup", Encoding.UTF8.GetBytes(file)))
            .Groups("memory").Order(StringComparer.Ordinal)));

    private ControlGroup Group(string own, params (string File, string Text)[] files)
    {
        var mounts = $"{Guid.NewGuid():N}";
        foreach (var (file, text) in files)
            folder.Write($"{mounts}/{file}", Encoding.UTF8.GetBytes(text + "\n"));
        return new(Path.Combine(folder.Path, mounts), folder.Write($"{mounts}/own", Encoding.UTF8.GetBytes(own)));
    }
}
