namespace SpectralKD.Tests.Weights;

/// <summary>Pickles that make Python run code. Each would create a marker file; none may exist afterwards.</summary>
public sealed class HostilePickleTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Marker => folder.File("executed");

    public void Dispose() => folder.Dispose();

    private string Command => $"touch {Marker}";

    [Fact]
    public void Global_and_reduce() =>
        Refused("posix.system", new PickleBuilder().Global("posix", "system").Text(Command).Op(0x85).Reduce());

    [Fact]
    public void Os_system_by_its_own_name() =>
        Refused("os.system", new PickleBuilder().Global("os", "system").Text(Command).Op(0x85).Reduce());

    [Fact]
    public void Stack_global() =>
        Refused("os.system", new PickleBuilder().Raw(0x80, 4).Text("os").Text("system").Op(0x93).Text(Command).Op(0x85).Reduce());

    [Fact]
    public void Builtins_eval_and_exec()
    {
        Refused("builtins.eval", new PickleBuilder().Global("__builtin__", "eval").Text("1").Op(0x85).Reduce());
        Refused("builtins.exec", new PickleBuilder().Global("builtins", "exec").Text("1").Op(0x85).Reduce());
        Refused("builtins.getattr", new PickleBuilder().Global("builtins", "getattr").Text("1").Op(0x85).Reduce());
    }

    [Fact]
    public void Dotted_names_reach_nothing_behind_a_known_class() =>
        Refused("collections.OrderedDict.__init__.__globals__", new PickleBuilder().Global("collections", "OrderedDict.__init__.__globals__"));

    [Fact]
    public void Inst() => Refused("os.system", new PickleBuilder().Mark().Text(Command).Op('i').Line("os").Line("system"));

    [Fact]
    public void Obj() => Refused("os.system", new PickleBuilder().Mark().Global("os", "system").Text(Command).Op('o'));

    [Fact]
    public void Obj_of_a_known_class() =>
        Refused("collections.OrderedDict", new PickleBuilder().Mark().Global("collections", "OrderedDict").Op('o'));

    [Fact]
    public void Newobj() => Refused("subprocess.Popen", new PickleBuilder().Global("subprocess", "Popen").Text(Command).Op(0x85).NewObj());

    [Fact]
    public void Newobj_ex() =>
        Refused("collections.OrderedDict", new PickleBuilder().Global("collections", "OrderedDict").EmptyTuple().EmptyDict().Op(0x92));

    [Fact]
    public void Build_of_an_unknown_class() =>
        Refused("my.Model", new PickleBuilder().Global("my", "Model").EmptyTuple().NewObj().EmptyDict().Text("__setstate__").Text("x").SetItem().Build());

    [Fact]
    public void Build_on_a_class_itself() =>
        Refused("something else", new PickleBuilder().Global("collections", "OrderedDict").EmptyDict().Build());

    [Fact]
    public void Build_with_a_state_that_is_no_dictionary() =>
        Refused("no dictionary", new PickleBuilder().EmptyDict().Text("state").Build());

    [Theory]
    [InlineData(0x82)]
    [InlineData(0x83)]
    [InlineData(0x84)]
    public void Extension_codes(int opcode) => Refused("extension code", new PickleBuilder().Op(opcode).Raw(1, 0, 0, 0));

    [Fact]
    public void Calls_of_known_names_with_foreign_arguments() =>
        Refused("_codecs.encode", new PickleBuilder().Global("_codecs", "encode").EmptyDict().Op(0x85).Reduce());

    [Fact]
    public void Calls_of_a_value_that_is_no_function() =>
        Refused("something else", new PickleBuilder().Text("os.system").Text(Command).Op(0x85).Reduce());

    [Fact]
    public void Whole_models_are_named_by_their_class() =>
        Refused("timm.models.vision_transformer.VisionTransformer",
            new PickleBuilder().Global("timm.models.vision_transformer", "VisionTransformer").EmptyTuple().NewObj());

    [Fact]
    public void Numpy_scalars_come_with_advice() =>
        Refused("save plain numbers", new PickleBuilder().Global("numpy.core.multiarray", "scalar"));

    [Fact]
    public void A_name_full_of_control_characters_stays_one_short_line() =>
        Refused("asks for", new PickleBuilder().Global("a\r\u001b[31m", new string('x', 100_000)));

    [Fact]
    public void Persistent_ids_of_another_form() =>
        Refused("refers to a storage", new PickleBuilder().Mark().Text("module").Text("os").Tuple().Op('Q'));

    [Fact]
    public void Storage_keys_that_leave_the_folder() =>
        Refused("refers to a storage", new PickleBuilder().Mark().Text("storage").Global("torch", "FloatStorage")
            .Text("../../etc/passwd").Text("cpu").Number(1).Tuple().Op('Q'));

    [Theory]
    [InlineData(new byte[] { (byte)'X', 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f })]
    [InlineData(new byte[] { 0x8e, 0, 0, 0, 0, 0, 0, 0, 0x40 })]
    [InlineData(new byte[] { 0x96, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0x8b, 0xff, 0xff, 0xff, 0x7f })]
    [InlineData(new byte[] { (byte)'T', 0xff, 0xff, 0xff, 0xff })]
    public void Huge_declared_lengths_are_refused_before_memory_is_taken(byte[] pickle) => Refused("claims", new PickleBuilder().Raw(pickle));

    [Fact]
    public void Copies_of_copies_do_not_multiply()
    {
        var builder = new PickleBuilder().Raw((byte)']').Op('(');
        for (var i = 0; i < 10_000; i++)
        {
            builder.Op('N');
        }

        builder.Op('e').Raw((byte)'q', 0).Op('0').Op(']');
        for (var i = 0; i < 10_000; i++)
        {
            builder.Global("builtins", "list").Raw((byte)'h', 0).Op(0x85).Reduce().Op('a');
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused("no dictionary of tensors", builder);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000_000);
    }

    [Fact]
    public void Deep_nesting_needs_no_deep_stack()
    {
        var builder = new PickleBuilder();
        for (var i = 0; i < 200_000; i++)
        {
            builder.Op(']');
        }

        for (var i = 1; i < 200_000; i++)
        {
            builder.Op('a');
        }

        Refused("no dictionary of tensors", builder);
    }

    [Theory]
    [InlineData(new byte[0], "truncated")]
    [InlineData(new byte[] { (byte)'.' }, "empty stack")]
    [InlineData(new byte[] { (byte)'a' }, "empty stack")]
    [InlineData(new byte[] { (byte)'t' }, "never opened")]
    [InlineData(new byte[] { (byte)'N', (byte)'(', (byte)'0' }, "empty stack")]
    [InlineData(new byte[] { (byte)'h', 7 }, "never stored")]
    [InlineData(new byte[] { (byte)'}', (byte)'(', (byte)'N', (byte)'u' }, "without a value")]
    [InlineData(new byte[] { 0x80, 9 }, "protocol 9")]
    [InlineData(new byte[] { 0xff }, "unknown opcode 0xff")]
    [InlineData(new byte[] { (byte)'I', (byte)'x', (byte)'\n' }, "no whole number")]
    [InlineData(new byte[] { (byte)'F', (byte)'x', (byte)'\n' }, "no number")]
    [InlineData(new byte[] { (byte)'V', (byte)'x' }, "ends inside a line")]
    [InlineData(new byte[] { 0x8c, 1, 0xff }, "UTF-8")]
    [InlineData(new byte[] { 0x97 }, "outside of it")]
    public void Damaged_pickles_say_what_is_wrong(byte[] pickle, string expected) => RefusedBytes(expected, pickle);

    private void Refused(string expected, PickleBuilder pickle) => RefusedBytes(expected, pickle.Stop());

    private void RefusedBytes(string expected, byte[] pickle)
    {
        var path = folder.Write("hostile.pth", TorchArchiveBytes.Zip(("a/data.pkl", pickle), ("a/version", "3\n"u8.ToArray())));
        var error = Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("hostile.pth", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.InRange(error.Message.Length, 10, 600);
        Assert.False(File.Exists(Marker), "the pickle was executed");
    }
}
